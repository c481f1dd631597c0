import * as z from "zod";
import { CLOCKS, OPERATION_KINDS, SAMPLING_REASONS } from "../event.ts";
import { TASK_KINDS } from "../task-kinds.ts";
import { PHASES } from "../trace.ts";
import { cacheEventSchema } from "./cache.ts";
import { explanationEventSchema } from "./explanation.ts";
import {
  count,
  digest,
  eventHead,
  milliseconds,
  model,
  spanId,
  traceId,
  version,
} from "./fields.ts";
import { generationEventSchema } from "./generation.ts";
import { inputStatisticsSchema } from "./input-statistics.ts";
import { platformSchema } from "./invocation.ts";
import { isolateEventSchema } from "./isolate.ts";
import { outputStatisticsSchema } from "./output-statistics.ts";

export const clock = z
  .enum(CLOCKS)
  .describe(
    "`frozen` where the clock of the isolate stood still during work of the CPU, so that phases of such work read 0; else `advancing`.",
  );

export const samplingSchema = z
  .strictObject({
    rate: z
      .number()
      .describe("The share of such events that is written: each stands for 1 / `rate` requests."),
    reason: z
      .enum(SAMPLING_REASONS)
      .describe("Why it is written: drawn at the `rate`, or always written."),
  })
  .readonly();

export const requestEventSchema = z
  .strictObject({
    ...eventHead("request"),
    requestId: z
      .string()
      .describe(
        "That of `x-request-id`, if it is 1 to 128 of `A-Z a-z 0-9 . _ : -` and no secret, else a new UUID of version 7, which begins with the time.",
      ),
    traceId: traceId
      .optional()
      .describe("Of the W3C trace that the request belongs to, hexadecimal."),
    spanId: spanId.optional().describe("Of the request within its trace, hexadecimal."),
    parentSpanId: spanId
      .optional()
      .describe("The span of the client that `traceparent` names; absent when it named none."),
    traceFlags: z
      .int()
      .min(0)
      .max(3)
      .optional()
      .describe(
        "Of a `traceparent`: 1 where the client records the trace, 2 where the trace's id is random; their sum.",
      ),
    traceState: z
      .string()
      .optional()
      .describe("What tracing systems pass on by `tracestate`; absent when there is nothing."),
    method: z.string().describe("Of HTTP; `RPC` for calls of other Workers."),
    route: z
      .string()
      .describe(
        "The pattern of the path, such as `/v2/models/:model/infer`, never the path; `rpc` for calls of other Workers, `unmatched` when there is none.",
      ),
    protocol: z
      .string()
      .optional()
      .describe("The name of the protocol, such as `oip`, `openai`, `task`, `rpc`."),
    operation: z
      .string()
      .optional()
      .describe(
        "The operation's id in OpenAPI, such as `infer`; absent when no operation has the path and method.",
      ),
    operationKind: z.enum(OPERATION_KINDS).optional().describe("The kind of the operation."),
    task: z.enum(TASK_KINDS).optional().describe("The task of the version, where it declares one."),
    status: z
      .int()
      .describe("Of the response; of calls over RPC the one that they have over HTTP."),
    errorCode: z.string().optional().describe("Of the response, when it is an error."),
    errorMessage: z
      .string()
      .optional()
      .describe(
        "Of a 5xx: the message that the client received; that of a 4xx quotes the input and is left out.",
      ),
    errorCause: z
      .string()
      .optional()
      .describe("Of a 5xx: the internal cause, which is not sent to clients."),
    model: model.optional().describe("The model that was used."),
    version: version.optional().describe("The version that was used."),
    alias: z.string().optional().describe("That the request named; absent when it named none."),
    split: z
      .string()
      .optional()
      .describe(
        "The alias, `default` for a name without one, of whose split the version was drawn; absent where there was nothing to draw.",
      )
      .meta({ see: "routing.md" }),
    digest: digest.optional().describe("SHA-256 of the model file that ran."),
    principal: z
      .string()
      .optional()
      .describe(
        "Who made the request: `key:` and the id of an API key, or the beginning of the SHA-256 of `ADMIN_KEY`, `worker:` and the principal of a binding, or `anonymous`; absent where nobody was identified, as on public routes and with 401.",
      )
      .meta({ see: "keys.md" }),
    subject: z
      .string()
      .optional()
      .describe("The keyed hash of the subject that the request named; absent when it named none.")
      .meta({ see: "privacy.md#subjects" }),
    dataCenter: z
      .string()
      .optional()
      .describe("The data center of Cloudflare that handled the request, such as `FRA`."),
    country: z
      .string()
      .optional()
      .describe("Of the client's address, ISO 3166-1 alpha-2, `T1` for Tor."),
    coldStart: z
      .boolean()
      .optional()
      .describe(
        "`true` when the request waited for the model to be loaded, `false` when it was loaded, absent when no model ran.",
      ),
    isolate: isolateEventSchema
      .optional()
      .describe("Of a model in an isolate of its own.")
      .meta({ see: "isolates.md" }),
    heapBytes: count
      .optional()
      .describe(
        "Memory of WebAssembly that the models of the isolate took when the request ended; absent when no model ran.",
      ),
    inferences: count
      .optional()
      .describe("Rows that were predicted, those of answers from the cache included."),
    executions: count
      .optional()
      .describe(
        "Runs of the engine; 0 where the cache had the answer, absent where no model was asked.",
      ),
    explanation: explanationEventSchema
      .optional()
      .describe("Of requests that ask why a model answers what it answers.")
      .meta({ see: "explanations.md" }),
    generation: generationEventSchema.optional().describe("Of requests that generate tokens."),
    cache: cacheEventSchema
      .optional()
      .describe("How the cache was used; absent when the operation does not use it.")
      .meta({ see: "caching.md" }),
    bytesIn: count.describe("Of the body of the request."),
    bytesOut: count.describe("Of the body of the response."),
    totalMs: milliseconds.describe(
      "From the start of the request to the end of its response's body.",
    ),
    queueMs: milliseconds
      .optional()
      .describe("Of them in the queue of the admission; absent when the request was not queued."),
    phasesMs: z
      .partialRecord(z.enum(PHASES), milliseconds)
      .readonly()
      .describe("Of them in each phase; phases that did not occur are absent.")
      .meta({ see: "#phases" }),
    platform: platformSchema
      .optional()
      .describe("Added by the Tail Worker; absent in what the Worker writes.")
      .meta({ see: "tail.md" }),
    clock,
    inputs: z
      .array(inputStatisticsSchema)
      .readonly()
      .optional()
      .describe("Statistics of the inputs, by input or column, never their values.")
      .meta({ see: "#statistics-of-inputs" }),
    outputs: outputStatisticsSchema
      .optional()
      .describe("Statistics of the predictions.")
      .meta({ see: "#statistics-of-outputs" }),
    profile: z
      .string()
      .optional()
      .describe("The digest of the reference profile whose bins the histograms use.")
      .meta({ see: "drift.md" }),
    sampling: samplingSchema
      .optional()
      .describe("Why the event is written.")
      .meta({ see: "#sampling" }),
  })
  .readonly();

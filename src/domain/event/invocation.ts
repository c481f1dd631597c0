import * as z from "zod";
import { INVOCATION_TRIGGERS } from "../event.ts";
import { MODEL_NAME } from "../model-id.ts";
import { eventHead, milliseconds, model, spanId, traceId, version } from "./fields.ts";

/** What the platform says of an invocation, which the Worker itself cannot know. */
const invocation = {
  outcome: z
    .string()
    .describe(
      "How the invocation ended, by the platform's word: `ok`, `exception`, `exceededCpu`, `exceededMemory`, `canceled`, `responseStreamDisconnected`, ...",
    ),
  cpuMs: milliseconds.describe(
    "Time of the CPU, as the platform counts it: 0 in local runs. Of all requests of the invocation together.",
  ),
  wallMs: milliseconds.describe(
    "From the beginning to the end of the invocation, with what goes on after its response: 0 in local runs.",
  ),
};

/** The field of a request's event that a Tail Worker adds. */
export const platformSchema = z.strictObject(invocation).readonly();

export const invocationEventSchema = z
  .strictObject({
    ...eventHead("invocation"),
    ...invocation,
    trigger: z.enum(INVOCATION_TRIGGERS).describe("What the invocation answered."),
    entrypoint: z
      .string()
      .optional()
      .describe("The class whose invocation it was; absent of the default handlers."),
    isLost: z
      .boolean()
      .describe(
        "Whether it did not end as it should, and has no event of a request: what the request was is not known.",
      ),
    requests: z.int().min(0).describe("Its events of requests."),
    requestId: z
      .string()
      .optional()
      .describe("Of its request; of a lost one that of `x-request-id` if it is a UUID."),
    traceId: traceId.optional().describe("Of the trace that the request belongs to."),
    parentSpanId: spanId.optional().describe("Of a lost one: the span of the client."),
    model: model.optional().describe("The model that its requests used, if it is one."),
    version: version.optional().describe("The version that they used, if it is one."),
    requestedModel: z
      .string()
      .regex(MODEL_NAME)
      .optional()
      .describe("Of a lost one: the model that its path names, which need not exist."),
    status: z.int().optional().describe("Of its response, if it has begun one."),
    exceptions: z
      .array(
        z
          .strictObject({
            name: z.string().describe("Of the error."),
            message: z.string().describe("Its message, cut, without what looks like a secret."),
          })
          .readonly(),
      )
      .readonly()
      .optional()
      .describe("What was thrown and not caught: the first four."),
  })
  .readonly();

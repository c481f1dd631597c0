import * as z from "zod";
import { MEASURES, type Measure } from "../answer-comparison/comparison.ts";
import { CACHE_OUTCOMES } from "../cache-control.ts";
import { SHADOW_SKIPS } from "../event.ts";
import { TASK_KINDS } from "../task-kinds.ts";
import { eventHead, milliseconds, model } from "./fields.ts";
import { clock } from "./request.ts";

const measure = z.enum(Object.keys(MEASURES) as [Measure, ...Measure[]]);

export const shadowEventSchema = z
  .strictObject({
    ...eventHead("shadow"),
    requestId: z.string().describe("Of the request that was copied."),
    model,
    alias: z.string().describe("`default` for a request that named none."),
    version: z.string().describe("The version whose answer the client received."),
    shadowVersion: z.string().describe("The version that got the copy."),
    task: z
      .enum(TASK_KINDS)
      .optional()
      .describe("By which the answers are compared; absent where the model has none."),
    outcome: z
      .enum(["same", "different", "failed", "skipped"])
      .describe("Of the comparison, or why there was none."),
    reason: z
      .enum(SHADOW_SKIPS)
      .optional()
      .describe("Of a copy that was skipped.")
      .meta({ see: "shadow.md#what-is-skipped" }),
    errorCode: z.string().optional().describe("Of a copy that failed."),
    errorMessage: z.string().optional().describe("Of a copy that failed with a 5xx."),
    measure: measure
      .optional()
      .describe("How the answers were compared.")
      .meta({ see: "shadow.md#what-is-compared" }),
    distance: z.number().optional().describe("The result of the comparison."),
    detail: z
      .record(z.string(), z.number())
      .readonly()
      .optional()
      .describe("Counts and differences."),
    isPartial: z
      .boolean()
      .optional()
      .describe(
        "Whether the client left in the middle of its stream, so that only the parts until then were compared.",
      ),
    coldStart: z
      .boolean()
      .optional()
      .describe("Whether the copy waited for the shadow to be loaded."),
    primaryMs: milliseconds.describe(
      "From the request to its last part, without body and response; that of a stream includes what its client waited.",
    ),
    shadowMs: milliseconds.optional().describe("The same of the copy."),
    primaryCache: z
      .enum(CACHE_OUTCOMES)
      .optional()
      .describe("Whether the answer of the version was in the cache."),
    shadowCache: z
      .enum(CACHE_OUTCOMES)
      .optional()
      .describe("Whether the answer of the shadow was."),
    clock,
  })
  .readonly();

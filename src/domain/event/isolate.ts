import * as z from "zod";
import { count, milliseconds } from "./fields.ts";

/** The isolate of the model that a request ran in. */
export const isolateEventSchema = z
  .strictObject({
    isFirst: z.boolean().describe("Whether the request was the first of the isolate."),
    usedBytes: count.describe(
      "Memory of the model's isolate that counted within its budget, when the request ended.",
    ),
    busyMs: milliseconds.describe(
      "For how long the request kept that isolate busy: its phases from `decode` to `postprocess`.",
    ),
  })
  .readonly();

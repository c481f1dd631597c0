import * as z from "zod";
import { SELECTOR_KINDS } from "../data-selector.ts";
import { count, eventHead } from "./fields.ts";

export const erasureEventSchema = z
  .strictObject({
    ...eventHead("erasure"),
    requestId: z
      .string()
      .optional()
      .describe("Absent for a scheduled run, as `id` and `selector` are."),
    id: z.string().optional().describe("Of the erasure, which may take several requests."),
    selector: z.enum(SELECTOR_KINDS).optional().describe("Whose data was erased."),
    erased: count.describe("Objects, entries, events and rows."),
    complete: z.boolean().describe("Whether nothing is left."),
    errorCode: z.string().optional().describe("Of a store that failed."),
  })
  .readonly();

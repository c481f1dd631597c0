import * as z from "zod";
import { count, eventHead } from "./fields.ts";

export const garbageEventSchema = z
  .strictObject({
    ...eventHead("gc"),
    requestId: z.string().optional().describe("Absent for a scheduled run."),
    removed: count.describe("Objects that were removed."),
    removedBytes: count.describe("Their size."),
    failed: count.describe("Objects that could not be removed."),
    skipped: count.describe(
      "Versions whose objects were left alone, because storage did not say what they need.",
    ),
    complete: z.boolean().describe("Whether everything was looked at."),
  })
  .readonly();

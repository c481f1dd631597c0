import * as z from "zod";
import { count, eventHead } from "./fields.ts";

export const purgeEventSchema = z
  .strictObject({
    ...eventHead("purge"),
    requestId: z.string().describe("Of the request for the purge."),
    model: z
      .string()
      .optional()
      .describe("What was purged; all entries when neither `model` nor `client` is there."),
    version: z.string().optional().describe("The version, of a purge of one."),
    client: z.string().optional().describe("The id of the principal, of a purge of one."),
    dropped: z
      .strictObject({
        isolate: count.describe("In the memory of the isolate."),
        kv: count.describe("In KV."),
      })
      .readonly()
      .describe("Entries that were removed."),
    complete: z
      .boolean()
      .describe(
        "Whether all entries in scope were removed from KV; the others are not used, and expire by their ttl.",
      ),
  })
  .readonly();

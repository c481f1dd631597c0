import * as z from "zod";
import { CACHE_TIERS } from "../cache.ts";
import { CACHE_OUTCOMES, MISS_REASONS } from "../cache-control.ts";
import { count, milliseconds } from "./fields.ts";

/** How a request used the cache. */
export const cacheEventSchema = z
  .strictObject({
    outcome: z.enum(CACHE_OUTCOMES).describe("Whether an entry was used."),
    tier: z.enum(CACHE_TIERS).optional().describe("The tier of a hit."),
    reason: z.enum(MISS_REASONS).optional().describe("Why it was a miss or a bypass."),
    key: z
      .string()
      .optional()
      .describe(
        "The beginning of the key, to find the entry by; it reveals nothing about the input.",
      ),
    stored: z.boolean().describe("Whether the entry was, or will be, stored."),
    collapsed: z
      .boolean()
      .describe("Whether the request waited for an identical one instead of running."),
    bytes: count.optional().describe("The size of the entry."),
    ageSeconds: z.number().optional().describe("The age of the entry."),
    savedMs: milliseconds.optional().describe("The duration of the run that the hit saved."),
    failures: z
      .array(
        z
          .strictObject({
            tier: z.enum(CACHE_TIERS).describe("The tier that failed."),
            problem: z.string().describe("What it failed with."),
          })
          .readonly(),
      )
      .readonly()
      .optional()
      .describe("Tiers that could not be read; each costs a miss."),
  })
  .readonly();

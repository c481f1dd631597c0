import { z } from "zod";
import { CACHE_TIERS, type CacheTierName } from "../../domain/cache.ts";

/** The JSON of the answers under `/admin`: `/openapi.json` is made from it, and tests hold answers to it. */

const size = z.int().min(0);
const milliseconds = z.number().min(0);

export const publishedVersionsSchema = z.strictObject({
  models: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      revision: z.string().describe("Changes when the version is deleted and published anew."),
    }),
  ),
});

export const runtimeStatsSchema = z
  .strictObject({
    budgetBytes: size,
    usedBytes: size,
    loads: size,
    evictions: size,
    crashes: size,
    bytesIn: size.describe("Bytes of tensors copied into wasm memory."),
    bytesOut: size.describe("Bytes of tensors copied out of wasm memory."),
    cells: z.array(
      z.strictObject({
        shared: z.boolean().describe("Whether small models share the cell."),
        memoryBytes: size,
        fromSnapshot: z
          .boolean()
          .describe("Whether the engine was copied from a snapshot, which is faster than a start."),
        models: z.array(z.strictObject({ name: z.string(), version: z.string(), heapBytes: size })),
      }),
    ),
    leases: z
      .array(
        z.strictObject({
          name: z.string(),
          version: z.string(),
          reservedBytes: size,
          expiresAt: z.number().describe("Milliseconds since the epoch."),
          handles: size.describe("Tensors kept in wasm memory."),
          handleBytes: size,
        }),
      )
      .describe("Models that are kept loaded across runs."),
  })
  .describe("What the isolate that answers holds in memory, and what happened since it began.");

const tier = z.strictObject({
  hits: size,
  bytes: size.describe("Answered from this tier."),
  savedMs: milliseconds,
  failures: size.describe("Reads that failed, took too long or gave garbage."),
});

export const cacheStatsSchema = z
  .strictObject({
    hits: size,
    misses: size,
    bypasses: size,
    hitRatio: z.number().min(0).max(1).describe("Hits among hits and misses."),
    savedMs: milliseconds.describe("What the runs took that hits spared."),
    tiers: z.strictObject(
      Object.fromEntries(CACHE_TIERS.map((name) => [name, tier])) as Record<
        CacheTierName,
        typeof tier
      >,
    ),
    failedWrites: z.record(z.string(), size).describe("Writes that a tier refused."),
    isolate: z.strictObject({ limitBytes: size, usedBytes: size, entries: size }),
  })
  .describe("What the cache did in the isolate that answers, since it began.");

export const purgeSummarySchema = z.strictObject({
  purged: z
    .strictObject({
      model: z.string().optional(),
      version: z.string().optional(),
      client: z.string().optional(),
    })
    .describe("What was erased; empty for everything."),
  at: z.iso.datetime(),
  dropped: z.strictObject({ isolate: size, kv: size }).describe("Answers dropped, by tier."),
  complete: z
    .boolean()
    .describe("Whether all that KV had was dropped; what it still has is not used."),
});

export const deletedVersionSchema = z.strictObject({
  deleted: z.strictObject({ name: z.string(), version: z.string() }),
});

import * as z from "zod";
import { MEASURES, type Measure } from "../../domain/answer-comparison/comparison.ts";
import { CACHE_TIERS, type CacheTierName } from "../../domain/cache.ts";
import { SHADOW_SKIPS } from "../../domain/event.ts";
import { manifestSchema } from "../../domain/manifest.ts";

/** Schemas of the responses under `/admin`: `/openapi.json` is generated from them, and tests validate with them. */

const size = z.int().min(0);
const milliseconds = z.number().min(0);

export const publishedVersionsSchema = z.strictObject({
  models: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      revision: z.string().describe("Changes when the version is deleted and published again."),
      publishedAt: z.iso.datetime(),
    }),
  ),
});

const isolateStatsSchema = z.strictObject({
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
        .describe("Whether the engine was restored from a snapshot instead of started."),
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
    .describe("Models that are pinned in memory across runs."),
  kept: z
    .strictObject({ leases: size, bytes: size })
    .describe("Prefixes of prompts, which are kept until their memory is needed."),
});

export const runtimeStatsSchema = isolateStatsSchema
  .extend({
    isolates: z
      .array(
        isolateStatsSchema.extend({
          model: z.strictObject({
            name: z.string(),
            version: z.string(),
            digest: z.string().describe("SHA-256 of the model file."),
          }),
        }),
      )
      .describe("Isolates of single models that this one has called."),
  })
  .describe(
    "Models and memory of the isolate that handled the request, with counts since it started.",
  );

const tier = z.strictObject({
  hits: size,
  bytes: size.describe("Size of the entries that were hits in this tier."),
  savedMs: milliseconds,
  failures: size.describe("Reads that failed, timed out or returned an invalid entry."),
});

export const cacheStatsSchema = z
  .strictObject({
    hits: size,
    misses: size,
    bypasses: size,
    hitRatio: z.number().min(0).max(1).describe("Hits divided by hits and misses."),
    savedMs: milliseconds.describe("Duration of the runs that hits saved."),
    tiers: z.strictObject(
      Object.fromEntries(CACHE_TIERS.map((name) => [name, tier])) as Record<
        CacheTierName,
        typeof tier
      >,
    ),
    failedWrites: z.record(z.string(), size).describe("Failed writes, by tier."),
    isolate: z.strictObject({ limitBytes: size, usedBytes: size, entries: size }),
  })
  .describe("Cache statistics of the isolate that handled the request, since it started.");

const shadowDistances = z.strictObject({
  count: size,
  mean: z.number().min(0),
  max: z.number().min(0),
});

export const shadowStatsSchema = z.strictObject({
  model: z.string(),
  pairs: z.array(
    z.strictObject({
      alias: z.string().describe("`default` for requests that name none."),
      version: z.string().describe("That answered the clients."),
      shadowVersion: z.string(),
      same: size.describe(
        "Answers that a client would take for one another, by the tolerance of the task.",
      ),
      different: size,
      failed: size.describe("Copies that the shadow could not answer."),
      skipped: size.describe("Requests that were not copied, although the sample had chosen them."),
      failures: z
        .record(z.string(), size)
        .describe("Of those that failed, by the code of the error."),
      skips: z
        .partialRecord(z.enum(SHADOW_SKIPS), size)
        .describe("Of those that were skipped, by the reason."),
      measures: z
        .partialRecord(z.enum(Object.keys(MEASURES) as [Measure, ...Measure[]]), shadowDistances)
        .describe("Distances of the answers that were compared, by what they measure."),
      primaryMs: milliseconds
        .optional()
        .describe(
          "On average, of requests that were compared; without those for which the shadow was loaded first, or one of the answers was in the cache.",
        ),
      shadowMs: milliseconds.optional().describe("On average, of their copies."),
      timed: size.describe("How many requests these averages are of."),
      lastAt: z.iso.datetime(),
    }),
  ),
});

export const encryptionProgressSchema = z.strictObject({
  encrypted: size,
  unchanged: size.describe("Objects that have the current key."),
  plain: size.describe("Objects that are not encrypted, and were left so."),
  plainKeys: z.array(z.string()).describe("The first of these."),
  after: z
    .string()
    .optional()
    .describe("The key of the last object that was looked at, when there are others."),
});

export const purgeSummarySchema = z.strictObject({
  purged: z
    .strictObject({
      model: z.string().optional(),
      version: z.string().optional(),
      client: z.string().optional(),
    })
    .describe("The scope of the purge; empty for all entries."),
  at: z.iso.datetime(),
  dropped: z
    .strictObject({ isolate: size, kv: size })
    .describe("Number of removed entries, by tier."),
  complete: z
    .boolean()
    .describe(
      "Whether all entries in scope were removed from KV; the remaining ones are not used.",
    ),
});

const sha256 = z.string().describe("SHA-256 of the whole file, in hexadecimal.");

export const uploadedFileSchema = z.strictObject({
  file: z.strictObject({
    name: z.string(),
    version: z.string(),
    path: z.string(),
    sizeBytes: size.describe("Of the whole file."),
    sha256: sha256.optional(),
    receivedBytes: size,
    complete: z.boolean(),
  }),
});

export const uploadedFilesSchema = z.strictObject({
  files: z.array(
    z.strictObject({
      path: z.string(),
      sizeBytes: size.describe("Of the whole file."),
      sha256: sha256
        .optional()
        .describe("As its sender said; absent for a file that was sent as a whole without it."),
      received: z
        .array(z.array(size).length(2))
        .describe("Ranges of bytes that have arrived, the first and the last byte of each."),
      complete: z.boolean(),
    }),
  ),
});

export const deletedUploadsSchema = z.strictObject({
  deleted: z.strictObject({ name: z.string(), version: z.string() }),
  removedObjects: size,
});

const proposed = z
  .array(z.string())
  .optional()
  .describe("What was found and assumed where the request says nothing.");

export const publicationSchema = z.strictObject({ manifest: manifestSchema, proposed });

export const preparedVersionSchema = z.strictObject({
  manifest: manifestSchema,
  manifestText: z
    .string()
    .describe("The manifest as it would be stored, to the last byte: what a signature signs."),
  proposed,
});

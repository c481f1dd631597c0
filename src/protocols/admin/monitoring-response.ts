import * as z from "zod";

const count = z.int().min(0);
const counts = z.record(z.string(), count);
const time = z.number().describe("In milliseconds since the epoch.");
const usd = z.number().describe("In US dollars.");

const percentiles = z
  .object({
    count,
    mean: z.number(),
    p50: z.number(),
    p95: z.number(),
    p99: z.number(),
    max: z.number(),
  })
  .describe("In milliseconds; percentiles are within 1.1 % of the right value.");

const costSchema = z
  .object({
    total: usd,
    requests: usd,
    cpu: usd,
    cache: usd.describe("Reads and writes of KV."),
    cpuMs: z.number(),
    cpuBasis: z
      .enum(["platform", "phases", "unknown"])
      .describe(
        "CPU time of the platform, by the Tail Worker, or the sum of the phases of requests; `unknown` where clocks stand still.",
      ),
  })
  .describe("By list prices of Cloudflare, without what a plan includes.");

const summary = {
  requests: count,
  errors: count.describe("With a status of 5xx."),
  clientErrors: count.describe("With a status of 4xx."),
  latencyMs: percentiles.optional(),
  queueMs: percentiles.optional(),
  timeToFirstTokenMs: percentiles.optional(),
  cpuMs: percentiles.optional(),
  cacheHits: count,
  cacheMisses: count,
  cacheBypasses: count,
  savedMs: z.number().describe("What hits have saved."),
  coldStarts: count,
  heapBytes: z.object({ last: z.number(), max: z.number(), at: time }).optional(),
  inferences: count.describe("Rows that were predicted."),
  executions: count.describe("Runs of the engine."),
  inputTokens: count,
  cachedTokens: count,
  outputTokens: count,
  audioSeconds: z.number(),
  bytesIn: count,
  bytesOut: count,
  cost: costSchema,
};

const frame = {
  from: time,
  to: time,
  unreachable: z
    .array(z.object({ shard: z.string(), problem: z.string() }))
    .describe("Shards of the collector that did not answer: their models are missing."),
};

export const overviewSchema = z.object({
  ...frame,
  total: z.object(summary),
  models: z.array(
    z.object({
      model: z.string().describe("Empty for requests without a model."),
      ...summary,
      versions: z.array(z.object({ version: z.string(), ...summary })),
    }),
  ),
  errors: z.array(z.object({ status: z.int(), code: z.string().optional(), count })),
  operations: counts,
  dataCenters: counts,
  countries: counts,
  invocations: counts.describe("How invocations ended, by the platform's word."),
  lost: counts.describe("Events that were lost on their way, by reason."),
});

const numbers = z.array(z.number());
const gaps = z.array(z.number().nullable());

export const seriesSchema = z.object({
  ...frame,
  stepSeconds: z.int(),
  starts: z.array(time).describe("Of each window; the series have a number for each."),
  series: z.array(
    z.object({
      model: z.string(),
      version: z.string(),
      requests: numbers,
      errors: numbers,
      clientErrors: numbers,
      p50: gaps,
      p95: gaps,
      p99: gaps,
      cacheHits: numbers,
      cacheMisses: numbers,
      coldStarts: numbers,
      heapBytes: gaps,
      outputTokens: numbers,
    }),
  ),
});

const observedSchema = z.object({
  name: z.string(),
  kind: z.enum(["numeric", "category", "text", "image", "audio"]),
  count,
  missing: count,
  mean: z.number().optional().describe("Absent of fewer than `shownFrom` values."),
  deviation: z.number().optional(),
  counts: z
    .array(count)
    .optional()
    .describe(
      "By the bins or categories of the reference profile; absent without one, and of fewer than `shownFrom` requests.",
    ),
});

export const histogramsSchema = z.object({
  ...frame,
  model: z.string(),
  version: z.string(),
  requests: count,
  shownFrom: count.describe(
    "From how many requests on what they sent and got is shown: of fewer it would tell what a client did.",
  ),
  profile: z.string().optional().describe("The digest of the reference profile of the bins."),
  inputs: z.array(observedSchema),
  predictions: count,
  labels: z.array(
    z.object({
      label: z.string(),
      count,
      confidence: z.array(count).optional().describe("In 20 bins from 0 to 1."),
    }),
  ),
  value: observedSchema.optional(),
});

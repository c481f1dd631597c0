import { seedModels } from "../../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { readSample } from "../sample.ts";
import { rotate, toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { applyVariedLoad, type VariedLoadResult } from "../varied-load.ts";

const ADMIN_KEY = "bench";
const MODEL = "iris-logistic";
const WARM_UP_SECONDS = 0.3;
/** Measurements of each variant in a round, which take turns: other load of the machine affects all variants. */
const SLICES = 6;

/** The variant that the others are compared with. */
const WITHOUT = "without a key";
/** What is asked of a key, beside `name` and `scopes`; `undefined` for a request without one. */
const VARIANTS: Readonly<Record<string, object | undefined>> = {
  [WITHOUT]: undefined,
  "a key": {},
  "a key for models by pattern": { models: ["iris-*"] },
  "a key with a rate and quotas": {
    rate: { requestsPerMinute: 1_000_000_000 },
    quota: { requestsPerDay: 1_000_000_000, cpuMsPerDay: 1_000_000_000 },
  },
  "a key with a concurrency": { concurrency: 1000 },
};

/** By variant: the measurements of each round. */
type Measurements = Record<string, VariedLoadResult[][]>;

export const authentication: Benchmark = {
  name: "authentication",
  description: "the smallest model with API keys, compared with requests without authentication",
  async run(options) {
    options.report("building and seeding ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++) {
      // One Worker has all variants, so they share the machine code, the memory and its luck.
      const worker = await startLocalWorker({
        outdir,
        vars: { ADMIN_KEY, PUBLIC_PREDICT: "true", CACHE_TIERS: "" },
      });
      try {
        await seedModels(await worker.bucket(), projectPath("models"));
        const authorizations = await createKeys(worker);
        for (let slice = 0; slice < SLICES; slice++)
          for (const [name, authorization] of rotate(authorizations, round + slice)) {
            const result = await measure(worker, authorization, options);
            raw[name] ??= [];
            raw[name][round] = [...(raw[name][round] ?? []), result];
            options.report(
              `round ${round + 1} of ${options.rounds}, ${name}: ${Math.round(result.perSecond)}/s`,
            );
          }
      } finally {
        await worker.dispose();
      }
    }
    return { tables: [toTable(raw)], raw };
  },
};

/** The header `Authorization` of each variant. */
async function createKeys({ url }: LocalWorker): Promise<[string, string | undefined][]> {
  return Promise.all(
    Object.entries(VARIANTS).map(async ([name, settings]) => {
      if (!settings) return [name, undefined];
      const response = await fetch(new URL("/admin/keys", url), {
        method: "POST",
        headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
        body: JSON.stringify({ name, scopes: ["predict"], ...settings }),
      });
      if (!response.ok) throw new Error(`creating a key failed: ${await response.text()}`);
      const { key } = (await response.json()) as { key: string };
      return [name, `Bearer ${key}`];
    }),
  );
}

function measure(
  { url }: LocalWorker,
  authorization: string | undefined,
  { connections, seconds }: BenchmarkOptions,
): Promise<VariedLoadResult> {
  const { inputs } = readSample(MODEL);
  return applyVariedLoad({
    url: new URL(`/v2/models/${MODEL}/infer`, url),
    headers: {
      "content-type": "application/json",
      ...(authorization === undefined ? {} : { authorization }),
    },
    bodies: [Buffer.from(JSON.stringify({ inputs }))],
    connections,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  });
}

/** Ratios are computed within a round, over the medians of its measurements. */
function toTable(raw: Measurements): Table {
  const medians = (name: string): number[] =>
    (raw[name] ?? []).map((round) => toSpread(round.map(({ perSecond }) => perSecond)).median);
  const reference = medians(WITHOUT);
  return {
    title: MODEL,
    columns: ["requests with", "requests/s", "us/request", `of those ${WITHOUT}`, "(min - max)"],
    rows: Object.keys(VARIANTS).map((name) => {
      const rate = toSpread(medians(name)).median;
      const ratio = toSpread(medians(name).map((value, round) => value / (reference[round] ?? 0)));
      return [
        name,
        rate.toFixed(0),
        (1e6 / rate).toFixed(0),
        ratio.median.toFixed(2),
        `(${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)})`,
      ];
    }),
  };
}

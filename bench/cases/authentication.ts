import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import type { LocalWorker } from "../../scripts/local-worker.ts";
import type { Benchmark } from "../benchmark.ts";
import { toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import {
  applyModelLoad,
  type Measurements,
  measureInTurns,
  mediansOf,
  ratioCells,
  ratiosOf,
  type StartedVariants,
  startSeededWorker,
  TURNS_MODEL,
} from "../turns.ts";
import type { VariedLoadResult } from "../varied-load.ts";

const ADMIN_KEY = "bench";

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

interface Variant {
  readonly worker: LocalWorker;
  readonly authorization: string | undefined;
}

export const authentication: Benchmark = {
  name: "authentication",
  description: "the smallest model with API keys, compared with requests without authentication",
  async run(options) {
    options.report("building and seeding ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const raw = await measureInTurns(
      options,
      () => startVariants(outdir),
      ({ worker, authorization }: Variant) =>
        applyModelLoad(worker, options, authorization === undefined ? {} : { authorization }),
    );
    return { tables: [toTable(raw)], raw };
  },
};

/** One Worker has all variants, so they share the machine code, the memory and its luck. */
async function startVariants(outdir: string): Promise<StartedVariants<Variant>> {
  const worker = await startSeededWorker(outdir, { ADMIN_KEY });
  const authorizations = await createKeys(worker);
  return {
    variants: authorizations.map(([name, authorization]) => [name, { worker, authorization }]),
    workers: [worker],
  };
}

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

function toTable(raw: Measurements<VariedLoadResult>): Table {
  const rates = (name: string): number[] => mediansOf(raw, name, ({ perSecond }) => perSecond);
  return {
    title: TURNS_MODEL,
    columns: ["requests with", "requests/s", "us/request", `of those ${WITHOUT}`, "(min - max)"],
    rows: Object.keys(VARIANTS).map((name) => {
      const rate = toSpread(rates(name)).median;
      return [
        name,
        rate.toFixed(0),
        (1e6 / rate).toFixed(0),
        ...ratioCells(ratiosOf(rates(name), rates(WITHOUT))),
      ];
    }),
  };
}

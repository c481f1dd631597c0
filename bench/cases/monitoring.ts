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
import { readWorkerd } from "../workerd-process.ts";

const MODEL = "iris-logistic";
const WARM_UP_SECONDS = 0.3;
/** Measurements of each variant in a round, which take turns: other load of the machine affects all variants. */
const SLICES = 6;

/** The variant that the others are compared with. */
const OFF = "off";
const VARIANTS = {
  [OFF]: { vars: { EVENT_LOG: "off" }, withoutBindings: ["METRICS"] },
  "the event log": { vars: { EVENT_LOG: "on" }, withoutBindings: ["METRICS"] },
  "the collector": { vars: { EVENT_LOG: "off" }, withoutBindings: [] },
  "both, as deployed": { vars: { EVENT_LOG: "on" }, withoutBindings: [] },
};

interface Measurement extends VariedLoadResult {
  /** That the processes of workerd took for a request, which other load of the machine affects less than the rate. */
  readonly cpuUs: number;
}

/** By variant: the measurements of each round. */
type Measurements = Record<string, Measurement[][]>;

export const monitoring: Benchmark = {
  name: "monitoring",
  description: "the smallest model with the event log and the collector, compared with neither",
  async run(options) {
    options.report("building and seeding ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++) {
      const workers = await startVariants(outdir);
      try {
        for (let slice = 0; slice < SLICES; slice++)
          for (const [name, worker] of rotate(workers, round + slice)) {
            const result = await measure(worker, options);
            raw[name] ??= [];
            raw[name][round] = [...(raw[name][round] ?? []), result];
            options.report(
              `round ${round + 1} of ${options.rounds}, ${name}: ${Math.round(result.perSecond)}/s`,
            );
          }
      } finally {
        for (const [, worker] of workers) await worker.dispose();
      }
    }
    return { tables: [toTable(raw)], raw };
  },
};

/** A Worker for each variant; those that are not measured have nothing to do. */
async function startVariants(outdir: string): Promise<[string, LocalWorker][]> {
  const workers: [string, LocalWorker][] = [];
  for (const [name, { vars, withoutBindings }] of Object.entries(VARIANTS)) {
    const worker = await startLocalWorker({
      outdir,
      vars: { ...vars, PUBLIC_PREDICT: "true", CACHE_TIERS: "" },
      withoutBindings,
    });
    workers.push([name, worker]);
    await seedModels(await worker.bucket(), projectPath("models"));
  }
  return workers;
}

async function measure(
  { url }: LocalWorker,
  { connections, seconds }: BenchmarkOptions,
): Promise<Measurement> {
  const { inputs } = readSample(MODEL);
  const { cpuSeconds } = readWorkerd();
  const result = await applyVariedLoad({
    url: new URL(`/v2/models/${MODEL}/infer`, url),
    headers: { "content-type": "application/json" },
    bodies: [Buffer.from(JSON.stringify({ inputs }))],
    connections,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  });
  // The Workers that are not measured have nothing to do.
  const cpuUs = ((readWorkerd().cpuSeconds - cpuSeconds) * 1e6) / result.allRequests;
  return { ...result, cpuUs };
}

/** Ratios are computed within a round, over the medians of its measurements. */
function toTable(raw: Measurements): Table {
  const medians = (name: string, of: "perSecond" | "cpuUs"): number[] =>
    (raw[name] ?? []).map((round) => toSpread(round.map((each) => each[of])).median);
  const ratesOff = medians(OFF, "perSecond");
  const cpuOff = medians(OFF, "cpuUs");
  return {
    title: MODEL,
    columns: [
      "monitoring",
      "requests/s",
      `of those with it ${OFF}`,
      "(min - max)",
      "us of CPU/request",
      `more than with it ${OFF}`,
    ],
    rows: Object.keys(VARIANTS).map((name) => {
      const rates = medians(name, "perSecond");
      const cpu = medians(name, "cpuUs");
      const ratio = toSpread(rates.map((value, round) => value / (ratesOff[round] ?? 0)));
      const more = toSpread(cpu.map((value, round) => value - (cpuOff[round] ?? 0)));
      return [
        name,
        toSpread(rates).median.toFixed(0),
        ratio.median.toFixed(2),
        `(${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)})`,
        toSpread(cpu).median.toFixed(0),
        more.median.toFixed(0),
      ];
    }),
  };
}

import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import type { LocalWorker } from "../../scripts/local-worker.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
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
import { readWorkerd } from "../workerd-process.ts";

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

export const monitoring: Benchmark = {
  name: "monitoring",
  description: "the smallest model with the event log and the collector, compared with neither",
  async run(options) {
    options.report("building and seeding ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const raw = await measureInTurns(
      options,
      () => startVariants(outdir),
      (worker) => measure(worker, options),
    );
    return { tables: [toTable(raw)], raw };
  },
};

/** A Worker for each variant; those that are not measured have nothing to do. */
async function startVariants(outdir: string): Promise<StartedVariants<LocalWorker>> {
  const variants: [string, LocalWorker][] = [];
  for (const [name, { vars, withoutBindings }] of Object.entries(VARIANTS))
    variants.push([name, await startSeededWorker(outdir, vars, withoutBindings)]);
  return { variants, workers: variants.map(([, worker]) => worker) };
}

async function measure(worker: LocalWorker, options: BenchmarkOptions): Promise<Measurement> {
  const { cpuSeconds } = readWorkerd();
  const result = await applyModelLoad(worker, options);
  // The Workers that are not measured have nothing to do.
  const cpuUs = ((readWorkerd().cpuSeconds - cpuSeconds) * 1e6) / result.allRequests;
  return { ...result, cpuUs };
}

function toTable(raw: Measurements<Measurement>): Table {
  const rates = (name: string): number[] => mediansOf(raw, name, ({ perSecond }) => perSecond);
  const cpu = (name: string): number[] => mediansOf(raw, name, ({ cpuUs }) => cpuUs);
  const cpuOff = cpu(OFF);
  return {
    title: TURNS_MODEL,
    columns: [
      "monitoring",
      "requests/s",
      `of those with it ${OFF}`,
      "(min - max)",
      "us of CPU/request",
      `more than with it ${OFF}`,
    ],
    rows: Object.keys(VARIANTS).map((name) => {
      const more = cpu(name).map((value, round) => value - (cpuOff[round] ?? 0));
      return [
        name,
        toSpread(rates(name)).median.toFixed(0),
        ...ratioCells(ratiosOf(rates(name), rates(OFF))),
        toSpread(cpu(name)).median.toFixed(0),
        toSpread(more).median.toFixed(0),
      ];
    }),
  };
}

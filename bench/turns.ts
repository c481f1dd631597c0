import { seedModels } from "../packages/cli/src/local/seed.ts";
import { type LocalWorker, startLocalWorker } from "../scripts/local-worker.ts";
import { projectPath } from "../scripts/project.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import { readSample } from "./sample.ts";
import { rotate, type Spread, toSpread } from "./statistics.ts";
import { applyVariedLoad, type VariedLoadResult } from "./varied-load.ts";

/** Variants of one request to the smallest model, measured in turns. */

export const TURNS_MODEL = "iris-logistic";
const WARM_UP_SECONDS = 0.3;
/** Measurements of each variant in a round, which take turns: other load of the machine affects all variants. */
const SLICES = 6;

/** By variant: the measurements of each round. */
export type Measurements<R> = Readonly<Record<string, R[][]>>;

export interface StartedVariants<V> {
  readonly variants: readonly (readonly [name: string, variant: V])[];
  readonly workers: readonly LocalWorker[];
}

/** @param start is called for each round; its Workers are disposed of at the end of the round */
export async function measureInTurns<V, R extends Pick<VariedLoadResult, "perSecond">>(
  { rounds, report }: BenchmarkOptions,
  start: () => Promise<StartedVariants<V>>,
  measure: (variant: V) => Promise<R>,
): Promise<Measurements<R>> {
  const raw: Record<string, R[][]> = {};
  for (let round = 0; round < rounds; round++) {
    const { variants, workers } = await start();
    try {
      for (let slice = 0; slice < SLICES; slice++)
        for (const [name, variant] of rotate(variants, round + slice)) {
          const result = await measure(variant);
          raw[name] ??= [];
          raw[name][round] = [...(raw[name][round] ?? []), result];
          report(`round ${round + 1} of ${rounds}, ${name}: ${Math.round(result.perSecond)}/s`);
        }
    } finally {
      for (const worker of workers) await worker.dispose();
    }
  }
  return raw;
}

/** A Worker with the models of `models/`, where nothing is cached and anybody may predict. */
export async function startSeededWorker(
  outdir: string,
  vars: Readonly<Record<string, string>>,
  withoutBindings: readonly string[] = [],
): Promise<LocalWorker> {
  const worker = await startLocalWorker({
    outdir,
    vars: { ...vars, PUBLIC_PREDICT: "true", CACHE_TIERS: "" },
    withoutBindings,
  });
  await seedModels(await worker.bucket(), projectPath("models"));
  return worker;
}

/** Requests with distinct inputs to the smallest model. */
export function applyModelLoad(
  { url }: LocalWorker,
  { connections, seconds }: BenchmarkOptions,
  headers: Readonly<Record<string, string>> = {},
): Promise<VariedLoadResult> {
  const { inputs } = readSample(TURNS_MODEL);
  return applyVariedLoad({
    url: new URL(`/v2/models/${TURNS_MODEL}/infer`, url),
    headers: { "content-type": "application/json", ...headers },
    bodies: [Buffer.from(JSON.stringify({ inputs }))],
    connections,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  });
}

/** The median of each round. */
export function mediansOf<R>(
  raw: Measurements<R>,
  name: string,
  read: (result: R) => number,
): number[] {
  return (raw[name] ?? []).map((round) => toSpread(round.map(read)).median);
}

/** Ratios to another variant, computed within a round. */
export function ratiosOf(values: readonly number[], reference: readonly number[]): Spread {
  return toSpread(values.map((value, round) => value / (reference[round] ?? 0)));
}

/** `0.97`, `(0.95 - 0.99)`. */
export function ratioCells({ median, min, max }: Spread): [string, string] {
  return [median.toFixed(2), `(${min.toFixed(2)} - ${max.toFixed(2)})`];
}

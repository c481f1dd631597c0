import type { RequestEvent } from "../event.ts";
import type { Counts } from "./counts.ts";
import { toTritonFailure } from "./triton-failure.ts";

/**
 * The requests to operations that run a model, as sums with the meanings of Triton's statistics: durations are those of requests
 * that succeeded, and what the engine did is counted where it ran. In milliseconds.
 */
export interface InferenceTotals {
  success: number;
  successMs: number;
  /** By {@link toTritonFailure}. */
  failures: Counts;
  /** Of requests that ran the engine, and of hits of the cache: until the model could run. */
  queueMs: number;
  /** Requests that ran the engine, and their durations before, in and after it. */
  executed: number;
  inputMs: number;
  inferMs: number;
  outputMs: number;
  /** Rows that the engine predicted, and its runs. */
  inferences: number;
  executions: number;
  cacheHits: number;
  cacheHitMs: number;
  cacheMisses: number;
  cacheMissMs: number;
}

/** What is counted of an event. */
type CountedEvent = Pick<
  RequestEvent,
  "status" | "errorCode" | "totalMs" | "phasesMs" | "cache"
> & {
  readonly queueMs?: number | undefined;
  readonly inferences?: number | undefined;
  readonly executions?: number | undefined;
};

export function createInferenceTotals(): InferenceTotals {
  return {
    success: 0,
    successMs: 0,
    failures: {},
    queueMs: 0,
    executed: 0,
    inputMs: 0,
    inferMs: 0,
    outputMs: 0,
    inferences: 0,
    executions: 0,
    cacheHits: 0,
    cacheHitMs: 0,
    cacheMisses: 0,
    cacheMissMs: 0,
  };
}

/** @param event of an operation of the kind `inference` */
export function countInference(totals: InferenceTotals, event: CountedEvent): void {
  // By the code too: the status of a stream that broke off is that of its beginning.
  if (event.status >= 400 || event.errorCode !== undefined) {
    const reason = toTritonFailure(event.errorCode);
    totals.failures[reason] = (totals.failures[reason] ?? 0) + 1;
    return;
  }
  const { phasesMs: phases, cache } = event;
  totals.success += 1;
  totals.successMs += event.totalMs;
  const queueMs = (event.queueMs ?? 0) + (phases.resolve ?? 0) + (phases.load ?? 0);
  if (cache?.outcome === "hit") {
    totals.cacheHits += 1;
    totals.cacheHitMs += phases.cache ?? 0;
    totals.queueMs += queueMs;
  } else if (cache?.outcome === "miss") {
    totals.cacheMisses += 1;
    totals.cacheMissMs += phases.cache ?? 0;
  }
  if (phases.infer === undefined) return;
  totals.executed += 1;
  // A hit in parts, of a request whose other parts ran, has been counted.
  if (cache?.outcome !== "hit") totals.queueMs += queueMs;
  totals.inputMs +=
    (phases.body ?? 0) + (phases.parse ?? 0) + (phases.decode ?? 0) + (phases.preprocess ?? 0);
  totals.inferMs += phases.infer;
  totals.outputMs += (phases.postprocess ?? 0) + (phases.serialize ?? 0);
  totals.inferences += event.inferences ?? 1;
  totals.executions += event.executions ?? 1;
}

export function mergeInference(into: InferenceTotals, other: InferenceTotals): void {
  for (const [reason, count] of Object.entries(other.failures))
    into.failures[reason] = (into.failures[reason] ?? 0) + count;
  for (const name of SUMS) into[name] += other[name];
}

const SUMS = [
  "success",
  "successMs",
  "queueMs",
  "executed",
  "inputMs",
  "inferMs",
  "outputMs",
  "inferences",
  "executions",
  "cacheHits",
  "cacheHitMs",
  "cacheMisses",
  "cacheMissMs",
] as const satisfies readonly Exclude<keyof InferenceTotals, "failures">[];

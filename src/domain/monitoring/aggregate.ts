import type { Phase } from "../trace.ts";
import type { Counts } from "./counts.ts";
import type { Distribution } from "./distribution.ts";
import { createInferenceTotals, type InferenceTotals } from "./inference-totals.ts";
import type { Moments } from "./moments.ts";

/** What is measured of requests as a distribution, in milliseconds. */
export type DurationName =
  | "total" // from the request to the end of its response
  | "queue" // in the queue of the admission
  | "timeToFirstToken"
  | "explanation" // as `total`, of requests that explain, which are in no other distribution
  | "cpu" // as the platform counts it, told by the Tail Worker
  | "wall" // likewise
  | Phase;

/** Of the last report, and the largest of the time. */
export interface Gauge {
  last: number;
  max: number;
  /** Of the last report, in milliseconds since the epoch. */
  at: number;
}

/** An input or output of a model, over many requests. */
export interface FeatureAggregate {
  kind: "numeric" | "category" | "text" | "image" | "audio";
  moments: Moments;
  /** Counts by the bins or the categories of the reference profile; absent without one. */
  histogram?: number[];
}

/** The predictions of a model, over many requests. */
export interface PredictionAggregate {
  count: number;
  labels: Counts;
  /** For each label counts of its confidences, in 20 bins from 0 to 1. */
  confidence: Record<string, number[]>;
  /** Of a number that is predicted. */
  value?: FeatureAggregate;
}

/**
 * The requests of a version in some time, as sums that can be merged. Everything that is shown is made of it: metrics, the dashboard,
 * alerts, drift. Plain data, which crosses RPC and is stored.
 */
export interface Aggregate {
  requests: number;
  /** By status, with the code of an error: `200`, `404 model_not_found`. */
  outcomes: Counts;
  /** By the id of the operation. */
  operations: Counts;
  /** `hit`, `miss`, `bypass`. */
  cache: Counts;
  /** Hits by tier. */
  cacheTiers: Counts;
  coldStarts: number;
  /** The operations that run a model, with the meanings of Triton's statistics. */
  inference: InferenceTotals;
  /** Models loaded and evicted, and crashes of engines: `loads`, `evictions`, `crashes`. Of the aggregate without a model alone. */
  engine: Counts;
  /** Rows that were predicted, those of answers from the cache included, and runs of the engine. */
  inferences: number;
  executions: number;
  bytesIn: number;
  bytesOut: number;
  /** What hits of the cache have saved, in milliseconds. */
  savedMs: number;
  durations: Partial<Record<DurationName, Distribution>>;
  /** `input`, `cached`, `output`. */
  tokens: Counts;
  audioSeconds: number;
  /** Requests that were explained, by method, and the rows that models were run for. */
  explanations: Counts;
  explanationRuns: number;
  heapBytes?: Gauge;
  /** How invocations ended, by the platform's word: `ok`, `exceededMemory`, ...; told by the Tail Worker. */
  invocations: Counts;
  dataCenters: Counts;
  countries: Counts;
  /** By the label of the principal: the most frequent ones, others as `other`. */
  principals: Counts;
  aliases: Counts;
  /** Digest of the reference profile of the histograms; absent without one. */
  profile?: string;
  inputs: Record<string, FeatureAggregate>;
  outputs?: PredictionAggregate;
  /** Shadow copies by outcome. */
  shadows: Counts;
  /** Events that were lost on their way, by reason. */
  lost: Counts;
}

export function createAggregate(): Aggregate {
  return {
    requests: 0,
    outcomes: {},
    operations: {},
    cache: {},
    cacheTiers: {},
    coldStarts: 0,
    inference: createInferenceTotals(),
    inferences: 0,
    executions: 0,
    bytesIn: 0,
    bytesOut: 0,
    savedMs: 0,
    durations: {},
    tokens: {},
    audioSeconds: 0,
    explanations: {},
    explanationRuns: 0,
    engine: {},
    invocations: {},
    dataCenters: {},
    countries: {},
    principals: {},
    aliases: {},
    inputs: {},
    shadows: {},
    lost: {},
  };
}

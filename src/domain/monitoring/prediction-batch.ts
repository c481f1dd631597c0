import type { CanaryMetric } from "./manifest-monitoring.ts";

/** What was predicted of a row: a label with its confidence, or a number. */
export type KeptRow = readonly [label: string, confidence?: number] | number | null;

/** A prediction as it is kept until its truth is known. It has nothing of the input. */
export interface KeptPrediction {
  /** Milliseconds since the epoch, of the start of the request. */
  readonly time: number;
  /** Rows that were predicted, of which the first ones are kept. */
  readonly count: number;
  readonly rows: readonly KeptRow[];
  /** The label of the principal; absent where nobody was identified. */
  readonly principal?: string | undefined;
  /** The keyed hash of the subject. */
  readonly subject?: string | undefined;
  /** The alias of whose split the version was drawn. */
  readonly split?: string | undefined;
}

export interface IdentifiedPrediction extends KeptPrediction {
  readonly requestId: string;
}

/** Predictions of a version. */
export interface VersionPredictions {
  readonly version: string;
  readonly retentionDays: number;
  readonly predictions: readonly IdentifiedPrediction[];
}

/** Of an alias that is split: two versions of it, and how they are compared. */
export interface CanaryPair {
  readonly alias: string;
  /** The revision of the routing since which both are in the split. */
  readonly since: number;
  readonly stable: string;
  readonly canary: string;
  readonly significance: number;
  readonly metrics: readonly CanaryMetric[];
  /** The versions whose manifest says that confidences are probabilities. */
  readonly calibrated: readonly string[];
}

/** How many requests of one version went how, as counts. */
export interface CanaryCounts {
  readonly requests: number;
  /** Responses with 5xx. */
  readonly errors: number;
  /** Of answered requests, by steps of an eighth of an octave of the milliseconds. Empty where clocks stand still. */
  readonly durations: Readonly<Record<number, number>>;
  /** Of the first row of each request, by 20 bins of the confidence. */
  readonly confidences: Readonly<Record<number, number>>;
}

export interface CanaryBlock extends CanaryPair {
  readonly counts: Readonly<Record<"stable" | "canary", CanaryCounts>>;
}

/** What an isolate sends of a model with the aggregates of some seconds. Plain data. */
export interface PredictionBatch {
  readonly versions: readonly VersionPredictions[];
  readonly canaries: readonly CanaryBlock[];
}

import type { MetricsReading } from "./reading.ts";

/** The values of the labels of a family, in their order. */
export type LabelValues = readonly string[];

interface FamilyBase {
  /** With its unit, and `_total` of a counter. */
  readonly name: string;
  /** One sentence, as Prometheus shows it. */
  readonly help: string;
  /** Names; a sample has a value for each. */
  readonly labels: readonly string[];
}

/** A number: one that only grows, or one that may do both. */
export interface NumberFamily extends FamilyBase {
  readonly type: "counter" | "gauge";
  readonly samples: (reading: MetricsReading) => Iterable<readonly [LabelValues, number]>;
}

/** A distribution without its quantiles: how many, and their sum. */
export interface SummaryFamily extends FamilyBase {
  readonly type: "summary";
  readonly samples: (reading: MetricsReading) => Iterable<readonly [LabelValues, Summary]>;
}

export interface Summary {
  readonly count: number;
  readonly sum: number;
}

/** A distribution by its buckets. */
export interface HistogramFamily extends FamilyBase {
  readonly type: "histogram";
  /** The upper bounds of the buckets, ascending, without infinity. */
  readonly bounds: readonly number[];
  readonly samples: (reading: MetricsReading) => Iterable<readonly [LabelValues, Histogram]>;
}

export interface Histogram extends Summary {
  /** For each bound how many are not above it. */
  readonly cumulative: readonly number[];
}

/** Numbers that Prometheus reads under one name. */
export type MetricFamily = NumberFamily | SummaryFamily | HistogramFamily;

import type { AlertsSummary } from "../alerts/alerts.ts";
import type { VersionTotals } from "./monitoring.ts";

/** What truths that were told say of the predictions of a version, of all time. */
export interface TruthGauge {
  readonly version: string;
  /** Predictions whose truth is known. */
  readonly truths: number;
  /** Of labels. */
  readonly accuracy?: number | undefined;
  /** The expected calibration error. */
  readonly calibrationError?: number | undefined;
  /** Of numbers. */
  readonly meanAbsoluteError?: number | undefined;
  readonly rootMeanSquaredError?: number | undefined;
}

/** A version beside another one in the split of an alias. */
export interface CanaryGauge {
  readonly alias: string;
  readonly version: string;
  readonly stable: string;
  readonly isWorse: boolean;
}

/** What a part of a shard has for metrics, without a computation. */
export interface ShardGauges {
  readonly truths?: readonly TruthGauge[];
  readonly canaries?: readonly CanaryGauge[];
  /** Of the service's shard. */
  readonly alerts?: AlertsSummary;
}

/** All that a shard has for metrics. */
export interface ShardMetrics extends ShardGauges {
  readonly totals: readonly VersionTotals[];
}

/** With the model whose shard it is; the empty name for that of the service. */
export interface ModelMetrics extends ShardMetrics {
  readonly model: string;
}

export type OfModel<Gauge> = Gauge & { readonly model: string };

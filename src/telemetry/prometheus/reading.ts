import type { AlertsSummary } from "../../domain/alerts/alerts.ts";
import type { VersionFindings } from "../../domain/alerts/readings.ts";
import type { Unreachable, VersionTotals } from "../../domain/monitoring/monitoring.ts";
import type { CanaryGauge, OfModel, TruthGauge } from "../../domain/monitoring/shard-metrics.ts";

/** What the families are made of. */
export interface MetricsReading {
  /** Whether the numbers are those of all isolates, or of the one that was asked. */
  readonly scope: "service" | "isolate";
  /** Sorted by model and version. */
  readonly versions: readonly VersionTotals[];
  /** What the shards of models say of their quality. */
  readonly truths: readonly OfModel<TruthGauge>[];
  readonly canaries: readonly OfModel<CanaryGauge>[];
  /** Of the last evaluation of alerts. */
  readonly findings: readonly VersionFindings[];
  /** `undefined` where nothing evaluates alerts. */
  readonly alerts: AlertsSummary | undefined;
  /** Shards that did not answer. */
  readonly unreachable: readonly Unreachable[];
  /** How long it took to ask, in seconds. */
  readonly seconds: number;
  readonly serverVersion: string;
}

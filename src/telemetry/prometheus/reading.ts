import type { Unreachable, VersionTotals } from "../../domain/monitoring/monitoring.ts";

/** What the families are made of. */
export interface MetricsReading {
  /** Whether the numbers are those of all isolates, or of the one that was asked. */
  readonly scope: "service" | "isolate";
  /** Sorted by model and version. */
  readonly versions: readonly VersionTotals[];
  /** Shards that were asked, and those that did not answer. */
  readonly unreachable: readonly Unreachable[];
  /** How long it took to ask, in seconds. */
  readonly seconds: number;
  readonly serverVersion: string;
}

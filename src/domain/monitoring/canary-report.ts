import type { Estimate } from "./estimate.ts";
import type { CanaryMetric } from "./manifest-monitoring.ts";

/** One comparison of a canary with stable. */
export interface CanaryComparison {
  readonly metric: CanaryMetric;
  /** Shares: of errors, of slow answers, of right predictions. Absent without requests that say something. */
  readonly stable?: Estimate | undefined;
  readonly canary?: Estimate | undefined;
  /** Requests that were compared. */
  readonly compared: { readonly stable: number; readonly canary: number };
  /** The largest probability of what was seen by chance, at whatever moment it is looked at; 1 at the beginning. */
  readonly significance: number;
  readonly worse: boolean;
  /** Of `latency`: the median of the durations, in milliseconds. */
  readonly medianMs?: { readonly stable: number; readonly canary: number } | undefined;
  /** Why there is nothing to compare. */
  readonly unavailable?: string | undefined;
}

export interface CanaryVerdict {
  readonly alias: string;
  readonly since: number;
  readonly stable: string;
  readonly canary: string;
  readonly metric: CanaryMetric;
  readonly significance: number;
  /** ISO 8601. */
  readonly at: string;
  readonly reason: string;
}

export interface CanaryReport {
  readonly alias: string;
  /** The revision of the routing since which both are in the split. */
  readonly since: number;
  readonly stable: string;
  readonly canary: string;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly requests: { readonly stable: number; readonly canary: number };
  /** The significance at which it is called worse, over all that is compared. */
  readonly significance: number;
  readonly metrics: readonly CanaryComparison[];
  /** The first comparison by which it was worse. */
  readonly worse?: CanaryVerdict | undefined;
  /** What was done about it. */
  readonly outcome?: CanaryOutcome | undefined;
}

/** What was done about a canary that is worse. */
export const CANARY_OUTCOMES = [
  "reported", // the manifest does not ask for more
  "rolled_back",
  "changed", // somebody else had changed the alias before
] as const;
export type CanaryOutcome = (typeof CANARY_OUTCOMES)[number];

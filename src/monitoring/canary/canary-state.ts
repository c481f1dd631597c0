import type { CanaryOutcome, CanaryVerdict } from "../../domain/monitoring/canary-report.ts";
import type { CanaryMetric } from "../../domain/monitoring/manifest-monitoring.ts";
import { CONFIDENCE_BINS } from "../../domain/statistics/confidence-bins.ts";
import { createSequentialTest, type SequentialTest } from "./sequential-test.ts";

export const GROUPS = ["stable", "canary"] as const;
export type Group = (typeof GROUPS)[number];

type ByGroup<T> = Record<Group, T>;

/** What is known of a canary, as JSON. */
export interface CanaryState {
  /** Milliseconds since the epoch. */
  startedAt: number;
  significance: number;
  metrics: readonly CanaryMetric[];
  requests: ByGroup<number>;
  /** By step, all of them. */
  durations: ByGroup<Record<number, number>>;
  /** Since the last block of each: right and wrong, or by bin or step. */
  pending: {
    errors: ByGroup<number[]>;
    durations: ByGroup<Record<number, number>>;
    truths: ByGroup<number[]>;
    confidences: ByGroup<number[]>;
  };
  /** Steps of stable's durations beyond which an answer is slow: the median and the 90 % quantile. */
  thresholds?: readonly number[];
  tests: {
    errors: SequentialTest;
    latency: readonly SequentialTest[];
    accuracy: SequentialTest;
    estimatedAccuracy: SequentialTest;
  };
  worse?: CanaryVerdict;
  outcome?: CanaryOutcome;
}

export function createCanaryState(
  startedAt: number,
  significance: number,
  metrics: readonly CanaryMetric[],
): CanaryState {
  return {
    startedAt,
    significance,
    metrics,
    requests: { stable: 0, canary: 0 },
    durations: { stable: {}, canary: {} },
    pending: {
      errors: byGroup(() => [0, 0]),
      durations: byGroup(() => ({})),
      truths: byGroup(() => [0, 0]),
      confidences: byGroup(noConfidences),
    },
    tests: {
      errors: createSequentialTest(),
      latency: [createSequentialTest(), createSequentialTest()],
      accuracy: createSequentialTest(),
      estimatedAccuracy: createSequentialTest(),
    },
  };
}

export function byGroup<T>(create: () => T): ByGroup<T> {
  return { stable: create(), canary: create() };
}

export function noConfidences(): number[] {
  return new Array<number>(CONFIDENCE_BINS).fill(0);
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

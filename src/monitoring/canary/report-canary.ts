import type { CanaryComparison, CanaryVerdict } from "../../domain/monitoring/canary-report.ts";
import { durationOf } from "../../domain/monitoring/duration-steps.ts";
import type { Estimate } from "../../domain/monitoring/estimate.ts";
import type { CanaryMetric } from "../../domain/monitoring/manifest-monitoring.ts";
import type { CanaryPair } from "../../domain/monitoring/prediction-batch.ts";
import { normal, wilson } from "../statistics/interval.ts";
import type { CanaryState } from "./canary-state.ts";
import { quantileStep, SLOWER } from "./compare-canary.ts";
import { type GroupTotals, type SequentialTest, significanceOf } from "./sequential-test.ts";

/** Differences that do not matter, however certain they are. */
const SMALLEST_DIFFERENCE: Readonly<Record<CanaryMetric, number>> = {
  errors: 0.001,
  latency: 0,
  accuracy: 0.01,
  estimatedAccuracy: 0.01,
};

/** Compares by each metric. What is compared is judged at an equal part of the significance (Bonferroni). */
export function compareAll(state: CanaryState): CanaryComparison[] {
  const { tests, significance, metrics } = state;
  const limit = significance / metrics.length;
  const judge = (metric: CanaryMetric, test: SequentialTest, found: number): boolean =>
    metrics.includes(metric) &&
    found <= limit &&
    meanOf(test.canary) - meanOf(test.stable) >= SMALLEST_DIFFERENCE[metric];
  const compare = (metric: CanaryMetric, test: SequentialTest, unavailable: string) => {
    const found = significanceOf(test);
    return {
      metric,
      compared: { stable: test.stable.count, canary: test.canary.count },
      significance: found,
      worse: judge(metric, test, found),
      ...(test.stable.count === 0 && { unavailable }),
    };
  };
  const right = (metric: CanaryMetric, test: SequentialTest, unavailable: string) => ({
    ...compare(metric, test, unavailable),
    stable: complement(estimateOf(test.stable)),
    canary: complement(estimateOf(test.canary)),
  });
  const { errors, accuracy, estimatedAccuracy } = tests;
  return [
    {
      ...compare("errors", errors, "There are no requests of both versions yet."),
      stable: estimateOf(errors.stable),
      canary: estimateOf(errors.canary),
    },
    latencyOf(state, judge),
    right("accuracy", accuracy, "There is no feedback for requests of both versions."),
    right(
      "estimatedAccuracy",
      estimatedAccuracy,
      "It takes calibrated confidences of both versions: feedback for 200 predictions of each, or `calibrated` in their manifests.",
    ),
  ];
}

/** Of the two quantiles the one by which the canary is worse, at half the significance each. */
function latencyOf(
  { tests, durations, thresholds }: CanaryState,
  judge: (metric: CanaryMetric, test: SequentialTest, found: number) => boolean,
): CanaryComparison {
  const [first, ...others] = [...tests.latency].sort((a, b) => b.maxLog - a.maxLog);
  const test = first ?? others[0];
  const compared = { stable: test?.stable.count ?? 0, canary: test?.canary.count ?? 0 };
  if (!test || !thresholds || compared.stable === 0)
    return {
      metric: "latency",
      compared,
      significance: 1,
      worse: false,
      unavailable:
        "It takes 200 answers of stable, then answers of both versions, and clocks that do not stand still.",
    };
  const found = Math.min(1, significanceOf(test) * tests.latency.length);
  return {
    metric: "latency",
    compared,
    stable: estimateOf(test.stable),
    canary: estimateOf(test.canary),
    significance: found,
    worse: judge("latency", test, found),
    medianMs: {
      stable: round(durationOf(quantileStep(durations.stable, 0.5))),
      canary: round(durationOf(quantileStep(durations.canary, 0.5))),
    },
  };
}

function meanOf({ count, bad }: GroupTotals): number {
  return count > 0 ? bad / count : 0;
}

/** Of counts Wilson's interval, of sums of shares that of the normal distribution with the largest variance. */
function estimateOf({ count, bad }: GroupTotals): Estimate | undefined {
  if (count === 0) return undefined;
  if (Number.isInteger(bad)) return wilson(bad, count);
  const mean = bad / count;
  return normal(mean, (mean * (1 - mean)) / count, { min: 0, max: 1 });
}

function complement(estimate: Estimate | undefined): Estimate | undefined {
  return estimate && { value: 1 - estimate.value, low: 1 - estimate.high, high: 1 - estimate.low };
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

/** The first comparison by which a canary is worse. */
export function verdictOf(
  { alias, since, stable, canary }: CanaryPair,
  state: CanaryState,
  at: number,
): CanaryVerdict | undefined {
  const found = compareAll(state).find(({ worse }) => worse);
  if (!found) return undefined;
  const { metric, significance } = found;
  return {
    alias,
    since,
    stable,
    canary,
    metric,
    significance,
    at: new Date(at).toISOString(),
    reason: describe(stable, canary, found),
  };
}

const WHAT: Readonly<Record<CanaryMetric, string>> = {
  errors: "of the requests fail",
  latency: `of the answers are slow, those of the canary by a limit ${SLOWER} times as high`,
  accuracy: "of the predictions are right, by feedback",
  estimatedAccuracy: "of the predictions are right, as their confidences make expected",
};

function describe(
  stable: string,
  canary: string,
  { metric, stable: before, canary: after, compared, significance }: CanaryComparison,
): string {
  const percent = (share: number | undefined): string => `${((share ?? 0) * 100).toFixed(2)} %`;
  const limit = Math.max(significance, 1e-12);
  return `Version ${canary} is worse than version ${stable}: ${percent(after?.value)} against ${percent(before?.value)} ${WHAT[metric]} (${compared.canary} and ${compared.stable} requests, p <= ${limit.toPrecision(2)}).`;
}

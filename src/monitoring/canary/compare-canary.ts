import { stepsOf } from "../../domain/monitoring/duration-steps.ts";
import type { CanaryCounts } from "../../domain/monitoring/prediction-batch.ts";
import type { CalibrationMap } from "../statistics/calibration-map.ts";
import {
  byGroup,
  type CanaryState,
  GROUPS,
  type Group,
  noConfidences,
  sum,
} from "./canary-state.ts";
import { addBlock, type Outcomes } from "./sequential-test.ts";

/** An answer of the canary is slow that takes so much longer than a slow one of stable. */
export const SLOWER = 1.25;
/** Answers of stable by which it is decided what is slow. */
const MIN_DURATIONS = 200;
const QUANTILES = [0.5, 0.9];
const RIGHT_OR_WRONG = [0, 1];

/** Adds the requests of some seconds. @param calibrations what confidences are worth, by group */
export function addRequests(
  state: CanaryState,
  counts: Readonly<Record<Group, CanaryCounts>>,
  calibrations: Readonly<Record<Group, CalibrationMap | undefined>>,
): void {
  const { pending } = state;
  for (const group of GROUPS) {
    const { requests, errors, durations, confidences } = counts[group];
    state.requests[group] += requests;
    increase(pending.errors[group], 0, requests - errors);
    increase(pending.errors[group], 1, errors);
    addCounts(pending.durations[group], durations);
    addCounts(state.durations[group], durations);
    for (const [bin, count] of Object.entries(confidences))
      increase(pending.confidences[group], Number(bin), count);
  }
  if (hasBoth(pending.errors)) {
    addBlock(
      state.tests.errors,
      outcomesOf(pending.errors.stable),
      outcomesOf(pending.errors.canary),
    );
    pending.errors = byGroup(() => [0, 0]);
  }
  compareDurations(state);
  compareConfidences(state, calibrations);
}

/** Adds whether a prediction was right, the first row of each request that has a truth. */
export function addTruthOfCanary(state: CanaryState, group: Group, isRight: boolean): void {
  const { pending } = state;
  increase(pending.truths[group], isRight ? 0 : 1, 1);
  if (!hasBoth(pending.truths)) return;
  addBlock(
    state.tests.accuracy,
    outcomesOf(pending.truths.stable),
    outcomesOf(pending.truths.canary),
  );
  pending.truths = byGroup(() => [0, 0]);
}

/** By the median and the 90 % quantile of the first answers, so that what is slow is decided before it is counted. */
function compareDurations(state: CanaryState): void {
  const { pending, thresholds, durations } = state;
  const counts = {
    stable: total(pending.durations.stable),
    canary: total(pending.durations.canary),
  };
  if (!thresholds) {
    if (total(durations.stable) < MIN_DURATIONS) return;
    state.thresholds = QUANTILES.map((quantile) => quantileStep(durations.stable, quantile));
    pending.durations = byGroup(() => ({}));
    return;
  }
  if (counts.stable === 0 || counts.canary === 0) return;
  thresholds.forEach((threshold, index) => {
    const test = state.tests.latency[index];
    if (!test) return;
    const slowOf = (steps: Record<number, number>, limit: number, count: number): Outcomes => {
      const slow = countAbove(steps, limit);
      return { levels: RIGHT_OR_WRONG, counts: [count - slow, slow] };
    };
    addBlock(
      test,
      slowOf(pending.durations.stable, threshold, counts.stable),
      slowOf(pending.durations.canary, threshold + stepsOf(SLOWER), counts.canary),
    );
  });
  pending.durations = byGroup(() => ({}));
}

/** The badness of a prediction is the share of wrong ones among those of its confidence. */
function compareConfidences(
  { pending, tests }: CanaryState,
  { stable, canary }: Readonly<Record<Group, CalibrationMap | undefined>>,
): void {
  // Confidences of a version that is not calibrated say nothing, and are not kept until it is.
  if (!stable || !canary) pending.confidences = byGroup(noConfidences);
  else if (hasBoth(pending.confidences)) {
    const wrong = ({ shares }: CalibrationMap): number[] => shares.map((share) => 1 - share);
    addBlock(
      tests.estimatedAccuracy,
      { levels: wrong(stable), counts: pending.confidences.stable },
      { levels: wrong(canary), counts: pending.confidences.canary },
    );
    pending.confidences = byGroup(noConfidences);
  }
}

function outcomesOf(counts: readonly number[]): Outcomes {
  return { levels: RIGHT_OR_WRONG, counts };
}

function hasBoth({ stable, canary }: Readonly<Record<Group, readonly number[]>>): boolean {
  return sum(stable) > 0 && sum(canary) > 0;
}

function increase(counts: number[], index: number, by: number): void {
  if (index >= 0 && index < counts.length) counts[index] = (counts[index] ?? 0) + by;
}

function addCounts(into: Record<number, number>, more: Readonly<Record<number, number>>): void {
  for (const [step, count] of Object.entries(more)) {
    const index = Number(step);
    into[index] = (into[index] ?? 0) + count;
  }
}

function total(steps: Readonly<Record<number, number>>): number {
  return sum(Object.values(steps));
}

function countAbove(steps: Readonly<Record<number, number>>, limit: number): number {
  let count = 0;
  for (const [step, each] of Object.entries(steps)) if (Number(step) > limit) count += each;
  return count;
}

/** The lowest step that so large a share of the durations does not exceed. */
export function quantileStep(steps: Readonly<Record<number, number>>, quantile: number): number {
  const ordered = Object.entries(steps)
    .map(([step, count]) => [Number(step), count] as const)
    .sort(([a], [b]) => a - b);
  const limit = quantile * total(steps);
  let seen = 0;
  for (const [step, count] of ordered) {
    seen += count;
    if (seen >= limit) return step;
  }
  return ordered.at(-1)?.[0] ?? 0;
}

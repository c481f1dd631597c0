import { chiSquareQuantile, chiSquareSurvival } from "./chi-square.ts";
import type { TestResult } from "./two-samples.ts";

/** Of the values of a sample. */
export interface SampleMoments {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
}

export interface MeanResult extends TestResult {
  /** The difference of the means, in deviations of the reference. */
  readonly shift: number;
}

/** Where the reference has no deviation, any difference is larger than this. */
const MAX_SHIFT = 10;

/** The test of Welch in its limit, for samples of some dozens: its value is the normal deviate without its sign. */
export function meanDifference(
  reference: SampleMoments,
  window: SampleMoments,
  level: number,
): MeanResult {
  const threshold = Math.sqrt(chiSquareQuantile(level, 1));
  const difference = window.mean - reference.mean;
  if (reference.count === 0 || window.count === 0 || difference === 0)
    return { value: 0, threshold, pValue: 1, shift: 0 };
  const variance =
    reference.deviation ** 2 / reference.count + window.deviation ** 2 / window.count;
  const value = Math.min(Number.MAX_VALUE, Math.abs(difference) / Math.sqrt(variance));
  const shift = Math.min(MAX_SHIFT, Math.abs(difference) / reference.deviation);
  return {
    value,
    threshold,
    pValue: chiSquareSurvival(value * value, 1),
    shift: shift * Math.sign(difference),
  };
}

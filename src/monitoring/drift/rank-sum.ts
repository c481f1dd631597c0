import { chiSquareQuantile, chiSquareSurvival } from "./chi-square.ts";
import { sum, type TestResult, type TwoSamples } from "./two-samples.ts";

export interface RankSumResult extends TestResult {
  /**
   * By how many deviations normal distributions of the same deviation would have to be shifted for the same
   * probability that a value of the window exceeds one of the reference; positive where values have grown.
   */
  readonly shift: number;
}

/**
 * The rank sum test of Wilcoxon, Mann and Whitney, on bins in their order, with the correction for ties. Of the tests here it finds a shift with the fewest
 * rows. Its value is the normal deviate without its sign.
 */
export function rankSum({ reference, window }: TwoSamples, level: number): RankSumResult {
  const m = sum(reference);
  const n = sum(window);
  const total = m + n;
  const none = { value: 0, threshold: 0, pValue: 1, shift: 0 };
  if (m === 0 || n === 0) return none;
  let below = 0;
  let ranks = 0;
  let ties = 0;
  for (const [bin, count] of reference.entries()) {
    const inWindow = window[bin] as number;
    const inBin = count + inWindow;
    ranks += inWindow * (below + (inBin + 1) / 2);
    ties += inBin ** 3 - inBin;
    below += inBin;
  }
  const larger = ranks - (n * (n + 1)) / 2;
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)));
  if (!(variance > 0)) return none;
  const value = Math.abs(larger - (m * n) / 2) / Math.sqrt(variance);
  return {
    value,
    threshold: Math.sqrt(chiSquareQuantile(level, 1)),
    pValue: chiSquareSurvival(value * value, 1),
    shift: toShift(larger, m * n),
  };
}

/** Of `pairs` pairs of values one more than half in favour of the window, for samples that do not overlap. */
function toShift(larger: number, pairs: number): number {
  const probability = Math.min(Math.max(larger, 0.5), pairs - 0.5) / pairs;
  const normal = Math.sqrt(chiSquareQuantile(1 - Math.abs(2 * probability - 1), 1));
  return Math.SQRT2 * normal * Math.sign(probability - 0.5);
}

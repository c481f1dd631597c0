import { chiSquareQuantile, chiSquareSurvival } from "./chi-square.ts";
import { sum, type TestResult, type TwoSamples } from "./two-samples.ts";

/** Added to each count (Jeffreys 1946), so that an empty bin does not make the index infinite, and holds its level at 50 rows. */
const SMOOTHING = 0.5;

export interface StabilityResult extends TestResult {
  /**
   * Cohen's w: the square root of what the index exceeds its expectation by where nothing has changed. A normal distribution that is shifted by a
   * tenth of its deviation has about 0.1, whatever the numbers of rows.
   */
  readonly effect: number;
}

/**
 * The population stability index, `sum (p - q) ln(p / q)` over the shares p and q of each bin. Where nothing has changed it is
 * distributed as `(1/n + 1/m)` times chi-square with one degree of freedom less than bins (Yurdakul and Naranjo 2020), so its threshold
 * follows the numbers of rows m and n.
 * @param level for example 0.01
 */
export function populationStability(
  { reference, window }: TwoSamples,
  level: number,
): StabilityResult {
  const bins = reference.length;
  const m = sum(reference);
  const n = sum(window);
  if (bins < 2 || m === 0 || n === 0) return { value: 0, threshold: 0, pValue: 1, effect: 0 };
  let value = 0;
  for (const [bin, count] of reference.entries()) {
    const p = (count + SMOOTHING) / (m + SMOOTHING * bins);
    const q = ((window[bin] as number) + SMOOTHING) / (n + SMOOTHING * bins);
    value += (p - q) * Math.log(p / q);
  }
  const scale = 1 / n + 1 / m;
  return {
    value,
    threshold: scale * chiSquareQuantile(level, bins - 1),
    pValue: chiSquareSurvival(value / scale, bins - 1),
    effect: Math.sqrt(Math.max(0, value - scale * (bins - 1))),
  };
}

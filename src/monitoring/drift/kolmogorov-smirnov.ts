import { kolmogorovQuantile, kolmogorovSurvival } from "./kolmogorov.ts";
import { sum, type TestResult, type TwoSamples } from "./two-samples.ts";

/**
 * The two-sample test of Kolmogorov and Smirnov, on bins in their order: the largest difference of the cumulative shares. Between two edges the
 * difference may be larger than at them, so the value is at most that of the values themselves, and the p-value at least: it is conservative,
 * by a factor of two to five with ten bins.
 */
export function kolmogorovSmirnov({ reference, window }: TwoSamples, level: number): TestResult {
  const m = sum(reference);
  const n = sum(window);
  if (m === 0 || n === 0) return { value: 0, threshold: 0, pValue: 1 };
  let value = 0;
  let before = 0;
  let now = 0;
  for (const [bin, count] of reference.entries()) {
    before += count;
    now += window[bin] as number;
    value = Math.max(value, Math.abs(before / m - now / n));
  }
  const root = Math.sqrt((m * n) / (m + n));
  // The correction for few rows of Stephens (1970).
  const scale = root + 0.12 + 0.11 / root;
  return {
    value,
    threshold: kolmogorovQuantile(level) / scale,
    pValue: kolmogorovSurvival(value * scale),
  };
}

/** Counts of the reference and of a window by the same bins. */
export interface TwoSamples {
  readonly reference: readonly number[];
  readonly window: readonly number[];
}

/** A statistic with what it means. */
export interface TestResult {
  readonly value: number;
  /** What the value exceeds with the probability `level` where nothing has changed. */
  readonly threshold: number;
  readonly pValue: number;
}

export function sum(counts: readonly number[]): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

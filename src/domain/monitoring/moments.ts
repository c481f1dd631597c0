/** Moments of numbers: mergeable, by the formulas of Chan, Golub and LeVeque (1979). */
export interface Moments {
  count: number;
  missing: number;
  mean: number;
  /** Sum of the squared differences from the mean. */
  m2: number;
  min: number;
  max: number;
}

export function createMoments(): Moments {
  return { count: 0, missing: 0, mean: 0, m2: 0, min: 0, max: 0 };
}

export function mergeMoments(into: Moments, other: Moments): void {
  into.missing += other.missing;
  if (other.count === 0) return;
  const count = into.count + other.count;
  const difference = other.mean - into.mean;
  into.m2 += other.m2 + (difference * difference * into.count * other.count) / count;
  into.mean += (difference * other.count) / count;
  into.min = into.count === 0 ? other.min : Math.min(into.min, other.min);
  into.max = into.count === 0 ? other.max : Math.max(into.max, other.max);
  into.count = count;
}

/** Of the population. */
export function deviationOf({ count, m2 }: Moments): number {
  return count === 0 ? 0 : Math.sqrt(m2 / count);
}

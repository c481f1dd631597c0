/** Moments of numbers: mergeable, by the formulas of Chan, Golub and LeVeque (1979). Not the least and the greatest, which are values of single requests. */
export interface Moments {
  count: number;
  missing: number;
  mean: number;
  /** Sum of the squared differences from the mean. */
  m2: number;
}

export function createMoments(): Moments {
  return { count: 0, missing: 0, mean: 0, m2: 0 };
}

export function mergeMoments(into: Moments, other: Moments): void {
  into.missing += other.missing;
  addMoments(into, other.count, other.mean, other.m2);
}

/** Adds numbers of which these are the moments: plain arguments, because it is done for each input of each request. */
export function addMoments(into: Moments, count: number, mean: number, m2: number): void {
  if (count === 0) return;
  const sum = into.count + count;
  const difference = mean - into.mean;
  into.m2 += m2 + (difference * difference * into.count * count) / sum;
  into.mean += (difference * count) / sum;
  into.count = sum;
}

/** Of the population. */
export function deviationOf({ count, m2 }: Moments): number {
  return count === 0 ? 0 : Math.sqrt(m2 / count);
}

import type { Estimate } from "../../domain/monitoring/estimate.ts";

/** The 97.5 % quantile of the standard normal distribution: of intervals of 95 %. */
export const Z_95 = 1.959963984540054;

/**
 * A share with Wilson's interval: Wilson (1927), "Probable inference, the law of succession, and statistical inference". It holds its
 * level for few and for extreme counts, where the interval by the normal distribution does not.
 * @returns `undefined` for a share of nothing
 */
export function wilson(successes: number, count: number, z = Z_95): Estimate | undefined {
  if (count <= 0) return undefined;
  const value = successes / count;
  const z2 = z ** 2;
  const center = (successes + z2 / 2) / (count + z2);
  const half = (z / (count + z2)) * Math.sqrt((successes * (count - successes)) / count + z2 / 4);
  return {
    value,
    low: successes === 0 ? 0 : Math.max(0, center - half),
    high: successes === count ? 1 : Math.min(1, center + half),
  };
}

/** A number whose estimate is normally distributed with this variance, within bounds. */
export function normal(
  value: number,
  variance: number,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = {},
): Estimate {
  const half = Z_95 * Math.sqrt(Math.max(0, variance));
  return { value, low: Math.max(min, value - half), high: Math.min(max, value + half) };
}

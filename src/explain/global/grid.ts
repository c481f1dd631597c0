/** The part of the rows between whose quantiles a grid lies, as in scikit-learn. */
const PERCENTILES = [0.05, 0.95] as const;

/**
 * Values of a column at which the dependence on it is computed: all that the rows have where these are fewer than `points`, else
 * so many at equal distances between quantiles, as in `sklearn.inspection.partial_dependence`. Missing values are no part of it.
 * @param isCategorical whether numbers between two of its values mean nothing
 */
export function toGrid(column: Float64Array, points: number, isCategorical: boolean): Float64Array {
  const sorted = column.filter((value) => !Number.isNaN(value)).sort();
  const unique = sorted.filter((value, index) => index === 0 || value !== sorted[index - 1]);
  if (isCategorical || unique.length < points) return unique;
  const [low, high] = PERCENTILES.map((part) => quantile(sorted, part)) as [number, number];
  // Nearly all rows have the same value: its neighbours are all that is known.
  if (high - low <= 1e-8 + 1e-5 * Math.abs(high))
    return evenly(sorted[0] ?? 0, sorted.at(-1) ?? 0, points);
  return evenly(low, high, points);
}

function evenly(low: number, high: number, points: number): Float64Array {
  const step = (high - low) / (points - 1);
  return Float64Array.from({ length: points }, (_, index) =>
    index === points - 1 ? high : low + index * step,
  );
}

/** By the plotting positions (k - 0.4) / (n + 0.2) of Cunnane, the default of `scipy.stats.mstats.mquantiles`. */
function quantile(sorted: Float64Array, part: number): number {
  const position = sorted.length * part + 0.4 + part * 0.2;
  const below = Math.floor(Math.min(Math.max(position, 1), sorted.length - 1));
  const share = Math.min(Math.max(position - below, 0), 1);
  return (1 - share) * (sorted[below - 1] ?? 0) + share * (sorted[below] ?? sorted[below - 1] ?? 0);
}

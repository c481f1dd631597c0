/**
 * A distribution of values that are not negative, in bins whose edges grow by a factor (DDSketch, Masson, Rim and Lee, VLDB 2019): any quantile is
 * within 1.1 % of the right value, and merged distributions are as exact as one of all their values. The edges are those of OpenTelemetry's
 * exponential histograms of scale 5 and of Prometheus's native histograms of schema 5: powers of 2^(1/32). Plain data, which crosses RPC and is stored.
 */
export interface Distribution {
  count: number;
  sum: number;
  min: number;
  max: number;
  /** Values below the first bin that there can be. */
  zeros: number;
  /** The number of the first bin: bin `i` has the values above `2^((i - 1) / 32)`, up to `2^(i / 32)`. */
  first: number;
  /** Counts, from the first bin that has any to the last one. */
  bins: number[];
}

const BINS_PER_DOUBLING = 32;
/** Of milliseconds: from a microsecond to twelve days. What is outside is in the zeros, or in the last bin. */
const FIRST_BIN = -10 * BINS_PER_DOUBLING;
const LAST_BIN = 30 * BINS_PER_DOUBLING;
/** The middle of a bin, where the relative error at either edge is the same. */
const MIDDLE = 2 / (1 + 2 ** (1 / BINS_PER_DOUBLING));

export function createDistribution(): Distribution {
  return { count: 0, sum: 0, min: 0, max: 0, zeros: 0, first: 0, bins: [] };
}

/** Adds a value; one that is negative or no number counts as 0. */
export function addValue(distribution: Distribution, value: number): void {
  const counted = value > 0 && value < Number.POSITIVE_INFINITY ? value : 0;
  if (distribution.count === 0 || counted < distribution.min) distribution.min = counted;
  if (counted > distribution.max) distribution.max = counted;
  distribution.count++;
  distribution.sum += counted;
  const bin = Math.ceil(Math.log2(counted) * BINS_PER_DOUBLING);
  if (bin < FIRST_BIN) distribution.zeros++;
  else addToBin(distribution, Math.min(bin, LAST_BIN), 1);
}

export function mergeDistribution(into: Distribution, other: Distribution): void {
  if (other.count === 0) return;
  into.min = into.count === 0 ? other.min : Math.min(into.min, other.min);
  into.max = Math.max(into.max, other.max);
  into.count += other.count;
  into.sum += other.sum;
  into.zeros += other.zeros;
  for (let index = 0; index < other.bins.length; index++) {
    const count = other.bins[index] as number;
    if (count > 0) addToBin(into, other.first + index, count);
  }
}

function addToBin(distribution: Distribution, bin: number, count: number): void {
  const { bins } = distribution;
  if (bins.length === 0) distribution.first = bin;
  let index = bin - distribution.first;
  if (index < 0) {
    bins.unshift(...new Array<number>(-index).fill(0));
    distribution.first = bin;
    index = 0;
  }
  while (bins.length <= index) bins.push(0);
  bins[index] = (bins[index] as number) + count;
}

/**
 * @param fraction from 0, the least value, to 1, the greatest one
 * @returns `undefined` of no values
 */
export function quantileOf(distribution: Distribution, fraction: number): number | undefined {
  const { count, min, max, zeros, first, bins } = distribution;
  if (count === 0) return undefined;
  const rank = fraction * (count - 1);
  if (rank >= count - 1) return max;
  let below = zeros;
  if (rank < below) return min;
  for (const [index, binCount] of bins.entries()) {
    below += binCount;
    if (below > rank) {
      const value = MIDDLE * 2 ** ((first + index) / BINS_PER_DOUBLING);
      return Math.min(max, Math.max(min, value));
    }
  }
  return max;
}

/**
 * How many values are at most each bound. A bin is below a bound by its middle, so what is counted never becomes less when values are added.
 * @param bounds ascending
 */
export function countsBelow(
  { zeros, first, bins }: Distribution,
  bounds: readonly number[],
): number[] {
  let below = zeros;
  let index = 0;
  return bounds.map((bound) => {
    const bin = Math.log2(bound) * BINS_PER_DOUBLING;
    for (; index < bins.length && first + index - 0.5 <= bin; index++)
      below += bins[index] as number;
    return below;
  });
}

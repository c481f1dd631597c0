import type { Random } from "../../shared/random.ts";

/** A column, divided into the values that LIME regards as the same. */
export interface DiscretizedColumn {
  /** The bin of a value. */
  binOf(value: number): number;
  /** A bin, drawn as often as the background has it. */
  draw(random: Random): number;
  /** A value of a bin. */
  sample(bin: number, random: Random): number;
  /** What the values of a bin have in common: `petal length > 5.10`. */
  describe(bin: number): string;
}

/** Tries to draw a value that lies in its bin; each succeeds in about half of the cases at least. */
const MAX_TRIES = 100;
const MISSING = -1;

/**
 * The quartiles of a column, as the package lime has them: a value of a bin is drawn of a normal distribution with the mean and the
 * deviation of the background in the bin, cut at its bounds. Values that are missing are a bin of their own.
 * Source: lime 0.2, `lime/discretize.py`.
 */
export function discretizeNumbers(name: string, background: ArrayLike<number>): DiscretizedColumn {
  const present = Array.from(background).filter((value) => !Number.isNaN(value));
  const sorted = Float64Array.from(present).sort();
  const bounds = [...new Set([0.25, 0.5, 0.75].map((share) => percentile(sorted, share)))];
  const binOf = (value: number): number =>
    Number.isNaN(value) ? MISSING : bounds.filter((bound) => bound < value).length;
  const bins = Array.from({ length: bounds.length + 1 }, (_, bin) => {
    const own = present.filter((value) => binOf(value) === bin);
    const mean = own.reduce((sum, value) => sum + value, 0) / Math.max(own.length, 1);
    const square = own.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return {
      mean,
      deviation: Math.sqrt(square / Math.max(own.length, 1)) + 1e-11,
      least: bounds[bin - 1] ?? sorted[0] ?? 0,
      greatest: bounds[bin] ?? sorted.at(-1) ?? 0,
    };
  });
  return {
    binOf,
    draw: (random) => binOf(background[Math.floor(random() * background.length)] as number),
    sample(bin, random) {
      if (bin === MISSING) return Number.NaN;
      const { mean, deviation, least, greatest } = bins[bin] as (typeof bins)[number];
      if (least === greatest) return least;
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const value = mean + deviation * normal(random);
        if (value >= least && value <= greatest) return value;
      }
      return least + (greatest - least) * random();
    },
    describe(bin) {
      if (bin === MISSING) return `${name} is missing`;
      const [lower, upper] = [bounds[bin - 1], bounds[bin]].map((bound) => bound?.toFixed(2));
      if (lower === undefined) return `${name} <= ${upper}`;
      return upper === undefined ? `${name} > ${lower}` : `${lower} < ${name} <= ${upper}`;
    },
  };
}

/** Each category is a bin of its own, and a missing one. */
export function discretizeCategories(
  name: string,
  categories: readonly string[],
  background: ArrayLike<number>,
): DiscretizedColumn {
  return {
    binOf: (value) => (Number.isNaN(value) ? MISSING : value),
    draw(random) {
      const value = background[Math.floor(random() * background.length)] as number;
      return Number.isNaN(value) ? MISSING : value;
    },
    sample: (bin) => (bin === MISSING ? Number.NaN : bin),
    describe: (bin) =>
      bin === MISSING ? `${name} is missing` : `${name} = ${categories[bin] ?? bin}`,
  };
}

/** Between the values at the ranks around it, in proportion, as NumPy does by default. */
function percentile(sorted: Float64Array, share: number): number {
  const rank = share * (sorted.length - 1);
  const below = Math.floor(rank);
  const [low = 0, high = low] = [sorted[below], sorted[below + 1]];
  return low + (rank - below) * (high - low);
}

/** By Box and Muller (1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

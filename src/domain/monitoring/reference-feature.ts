import { binOf } from "../../shared/bin-of.ts";
import { BINS, type CategoryReference, type NumericReference } from "./reference-profile.ts";

/** From so few values that differ on, each has a bin of its own. */
const MAX_DISTINCT = 10;
/** Numbers of 32 bits are this far apart at most, relative to their size. */
const ROUNDING = 1e-6;

/** Some values, and how often each occurs, ascending. */
interface Distinct {
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

/**
 * The reference of a number. Its edges lie halfway between values that occur, so that neither integers nor rounding to 32 bits change the bin of a value.
 * @param numbers NaN is missing; infinite ones are counted in the outer bins, and left out of the moments
 */
export function toNumericReference(name: string, numbers: ArrayLike<number>): NumericReference {
  const present = Float64Array.from(Array.from(numbers).filter((value) => !Number.isNaN(value)));
  present.sort();
  const edges = toEdges(countDistinct(present));
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of present) counts[binOf(edges, value)] = (counts[binOf(edges, value)] ?? 0) + 1;
  const finite = present.filter((value) => Number.isFinite(value));
  const mean = average(finite);
  const deviation = Math.sqrt(average(finite.map((value) => (value - mean) ** 2)));
  return {
    name,
    kind: "numeric",
    count: present.length,
    missing: numbers.length - present.length,
    mean,
    deviation,
    min: finite[0] ?? 0,
    max: finite.at(-1) ?? 0,
    edges,
    counts,
  };
}

/** The reference of a number with given edges. */
export function toBinnedReference(
  name: string,
  numbers: ArrayLike<number>,
  edges: readonly number[],
): NumericReference {
  const reference = toNumericReference(name, numbers);
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of Array.from(numbers))
    if (!Number.isNaN(value)) counts[binOf(edges, value)] = (counts[binOf(edges, value)] ?? 0) + 1;
  return { ...reference, edges, counts };
}

/**
 * The reference of a category.
 * @param indexes of `categories`; others count as other categories, and NaN as missing
 */
export function toCategoryReference(
  name: string,
  categories: readonly string[],
  indexes: ArrayLike<number>,
): CategoryReference {
  const counts = new Array<number>(categories.length + 1).fill(0);
  let missing = 0;
  for (const index of Array.from(indexes)) {
    if (Number.isNaN(index)) missing += 1;
    else {
      const bin = index in categories ? index : categories.length;
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  }
  const count = indexes.length - missing;
  return { name, kind: "category", count, missing, categories, counts };
}

function countDistinct(sorted: Float64Array): Distinct {
  const values: number[] = [];
  const counts: number[] = [];
  for (const value of sorted) {
    if (value === values.at(-1)) counts[counts.length - 1] = (counts.at(-1) ?? 0) + 1;
    else {
      values.push(value);
      counts.push(1);
    }
  }
  return { values, counts };
}

/**
 * Few values have a bin each; else bins are about equally full: a value that alone fills one has it to itself. A constant has a bin of its own between all
 * that is smaller and all that is larger.
 */
function toEdges({ values, counts }: Distinct): number[] {
  const [only] = values;
  if (only === undefined) return [];
  if (values.length === 1) {
    const margin = Math.max(Math.abs(only) * ROUNDING, Number.MIN_VALUE * 2);
    return Number.isFinite(only) ? [only - margin, only + margin] : [];
  }
  const cuts = values.length <= MAX_DISTINCT ? values.keys().drop(1) : cutsOf(counts);
  const edges: number[] = [];
  for (const cut of cuts) {
    const edge = halfway(values[cut - 1] as number, values[cut] as number);
    if (edge !== undefined && edge > (edges.at(-1) ?? Number.NEGATIVE_INFINITY)) edges.push(edge);
  }
  return edges;
}

/** The values that bins begin with, but the first one. */
function* cutsOf(counts: readonly number[]): Generator<number> {
  let left = counts.reduce((sum, count) => sum + count, 0);
  let bins = BINS;
  let filled = 0;
  for (const [index, count] of counts.entries()) {
    const target = left / bins;
    // The value belongs to the bin of which the middle of its occurrences is part.
    if (filled > 0 && filled + count / 2 > target && bins > 1) {
      yield index;
      left -= filled;
      bins -= 1;
      filled = 0;
    }
    filled += count;
  }
}

/** A number over `low` and below `high`, or `low` itself where none lies between them; `undefined` beside an infinite one. */
function halfway(low: number, high: number): number | undefined {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return undefined;
  const middle = low / 2 + high / 2;
  return middle < high ? middle : low;
}

function average(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? 0 : sum / values.length;
}

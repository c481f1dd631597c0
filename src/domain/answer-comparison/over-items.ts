import {
  type CompareOptions,
  type CompareValues,
  type Comparison,
  compareStructure,
  DIFFERENT_STRUCTURE,
  type Measure,
} from "./comparison.ts";

/** They say that answers could not be compared by distance, so they are more than any distance. */
const BEYOND_DISTANCE: readonly Measure[] = ["structure", "non_finite"];

/**
 * Compares the values of a task of which an item is a list: a list of items is one whose elements are lists. Lists of items are the same
 * when all of their items are; the distance is the largest one.
 */
export function overItems<T>(
  isItem: (value: unknown) => value is readonly T[],
  compareItem: (first: readonly T[], second: readonly T[], options: CompareOptions) => Comparison,
): CompareValues {
  const compareOne: CompareValues = (first, second, options) =>
    isItem(first) && isItem(second)
      ? compareItem(first, second, options)
      : compareStructure(first, second);
  return (first, second, options) => {
    if (!isListOfLists(first) && !isListOfLists(second)) return compareOne(first, second, options);
    if (!Array.isArray(first) || !Array.isArray(second)) return DIFFERENT_STRUCTURE;
    if (first.length !== second.length) return DIFFERENT_STRUCTURE;
    return combine(first.map((item, index) => compareOne(item, second[index], options)));
  };
}

function isListOfLists(value: unknown): boolean {
  return Array.isArray(value) && value.some(Array.isArray);
}

/** The comparison of lists, of those of their items. */
export function combine(comparisons: readonly Comparison[]): Comparison {
  const [first, ...others] = comparisons;
  if (!first) return { same: true, measure: "structure", distance: 0 };
  if (others.length === 0) return first;
  const worst = others.reduce((a, b) => (isWorse(b, a) ? b : a), first);
  const differing = comparisons.filter(({ same }) => !same).length;
  return {
    ...worst,
    same: differing === 0,
    detail: { ...worst.detail, items: comparisons.length, differing },
  };
}

function isWorse(a: Comparison, b: Comparison): boolean {
  const [beyondA, beyondB] = [a, b].map(
    ({ measure, same }) => !same && BEYOND_DISTANCE.includes(measure),
  );
  if (beyondA !== beyondB) return beyondA === true;
  if (a.measure !== b.measure && beyondA)
    return BEYOND_DISTANCE.indexOf(a.measure) < BEYOND_DISTANCE.indexOf(b.measure);
  return a.distance > b.distance;
}

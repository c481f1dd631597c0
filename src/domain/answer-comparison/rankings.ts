import {
  type CompareValues,
  type Comparison,
  compareStructure,
  isListOf,
  isRecord,
} from "./comparison.ts";
import { differencesOf } from "./numbers.ts";

interface RankedText {
  readonly index: number;
  readonly score: number;
}

const isRanked = (item: unknown): item is RankedText =>
  isRecord(item) && typeof item.index === "number" && typeof item.score === "number";

/** Of rankings: the same when the texts have the same order. */
export const compareRankings: CompareValues = (first, second): Comparison => {
  if (!isListOf(first, isRanked) || !isListOf(second, isRanked))
    return compareStructure(first, second);
  const [a, b] = [first, second].map(
    (ranking) => new Map(ranking.map(({ index, score }) => [index, score])),
  ) as [Map<number, number>, Map<number, number>];
  const all = [...new Set([...a.keys(), ...b.keys()])];
  const valuesOf = (scores: Map<number, number>) => all.map((index) => scores.get(index) ?? 0);
  const { absolute, nonFinite } = differencesOf(valuesOf(a), valuesOf(b));
  if (nonFinite > 0) return { same: false, measure: "non_finite", distance: nonFinite };
  const same =
    first.length === second.length && first.every(({ index }, at) => index === second[at]?.index);
  return { same, measure: "ranking_difference", distance: absolute };
};

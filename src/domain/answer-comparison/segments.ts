import { type Comparison, isListOf, isRecord } from "./comparison.ts";
import { differencesOf } from "./numbers.ts";
import { overItems } from "./over-items.ts";

interface Segment {
  readonly label: string;
  readonly score?: number;
}

/** By which the scores of one label may differ: they are means over its pixels. */
const TOLERANCE = 0.05;

const isSegment = (item: unknown): item is Segment =>
  isRecord(item) && typeof item.label === "string" && typeof item.mask === "string";

/**
 * Of labels with masks: the same when both have the same labels with about the same scores. Masks are compressed pictures, which are
 * not decoded; where a mask differs, so does its mean score.
 */
export const compareSegments = overItems(
  (value) => isListOf(value, isSegment),
  (first, second): Comparison => {
    const [a, b] = [countLabels(first), countLabels(second)];
    const names = [...new Set([...a.keys(), ...b.keys()])];
    const scoresOf = (segments: ReadonlyMap<string, readonly number[]>): number[] =>
      names.flatMap((name) => {
        const most = Math.max(a.get(name)?.length ?? 0, b.get(name)?.length ?? 0);
        return Array.from({ length: most }, (_, at) => segments.get(name)?.[at] ?? 0);
      });
    const { absolute, nonFinite } = differencesOf(scoresOf(a), scoresOf(b));
    if (nonFinite > 0) return { same: false, measure: "non_finite", distance: nonFinite };
    const areSame = names.every((name) => a.get(name)?.length === b.get(name)?.length);
    return {
      same: areSame && absolute <= TOLERANCE,
      measure: "score_difference",
      distance: absolute,
    };
  },
);

/** The scores of each label, best first; a segment without one counts as 1. */
function countLabels(segments: readonly Segment[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { label, score = 1 } of segments) {
    const scores = found.get(label) ?? [];
    scores.push(score);
    found.set(
      label,
      scores.sort((x, y) => y - x),
    );
  }
  return found;
}

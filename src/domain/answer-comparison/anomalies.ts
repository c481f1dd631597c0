import {
  type CompareValues,
  type Comparison,
  compareStructure,
  DIFFERENT_STRUCTURE,
  isRecord,
} from "./comparison.ts";
import { differencesOf } from "./numbers.ts";
import { combine } from "./over-items.ts";

type Verdict = { readonly label: string; readonly score: number };

function isVerdict(value: unknown): value is Verdict {
  return isRecord(value) && typeof value.label === "string" && typeof value.score === "number";
}

function compareOne(first: unknown, second: unknown): Comparison {
  if (!isVerdict(first) || !isVerdict(second)) return compareStructure(first, second);
  const { absolute, nonFinite } = differencesOf([first.score], [second.score]);
  if (nonFinite > 0) return { same: false, measure: "non_finite", distance: nonFinite };
  return { same: first.label === second.label, measure: "score_difference", distance: absolute };
}

/** Of anomaly detection, an item or a list of them: the same when the labels are. */
export const compareAnomalies: CompareValues = (first, second) => {
  if (!Array.isArray(first) || !Array.isArray(second)) return compareOne(first, second);
  if (first.length !== second.length) return DIFFERENT_STRUCTURE;
  return combine(first.map((item, index) => compareOne(item, second[index])));
};

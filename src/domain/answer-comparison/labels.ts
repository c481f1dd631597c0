import {
  type CompareValues,
  type Comparison,
  isListOf,
  isRecord,
  type Measure,
} from "./comparison.ts";
import { differencesOf } from "./numbers.ts";
import { overItems } from "./over-items.ts";

type Labelled<Field extends string> = { readonly label: string } & Readonly<Record<Field, number>>;

/** Of lists of labels, the best first: the same when the first labels are. */
function compareLabels<Field extends string>(field: Field, measure: Measure): CompareValues {
  const isLabelled = (item: unknown): item is Labelled<Field> =>
    isRecord(item) && typeof item.label === "string" && typeof item[field] === "number";
  return overItems(
    (value) => isListOf(value, isLabelled),
    (first, second): Comparison => {
      const [a, b] = [first, second].map(
        (labels) => new Map(labels.map((item) => [item.label, Number(item[field])])),
      ) as [Map<string, number>, Map<string, number>];
      const names = [...new Set([...a.keys(), ...b.keys()])];
      const valuesOf = (values: Map<string, number>) => names.map((name) => values.get(name) ?? 0);
      const { absolute, nonFinite } = differencesOf(valuesOf(a), valuesOf(b));
      if (nonFinite > 0) return { same: false, measure: "non_finite", distance: nonFinite };
      return { same: first[0]?.label === second[0]?.label, measure, distance: absolute };
    },
  );
}

export const compareClasses = compareLabels("score", "score_difference");
export const compareClusters = compareLabels("distance", "centre_difference");

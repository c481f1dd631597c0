import { type Cell, ColumnValue } from "./element.ts";
import type { ColumnProgram } from "./explainable-graph.ts";

/** The program of features, each a constant or a function of one column. */
export function createColumnProgram(
  features: readonly (Cell | ColumnValue)[],
  columns: number,
): ColumnProgram {
  const columnOf = Int32Array.from(features, (feature) =>
    feature instanceof ColumnValue ? feature.column : -1,
  );
  return {
    columns,
    features: features.length,
    columnOf,
    // The columns themselves cost nothing but their rounding.
    isIdentity:
      features.length === columns &&
      features.every(
        (feature, at) =>
          feature instanceof ColumnValue && feature.column === at && feature.isColumn,
      ),
    compute(row, into) {
      for (let at = 0; at < features.length; at++) {
        const feature = features[at] as Cell | ColumnValue;
        into[at] = Number(
          feature instanceof ColumnValue
            ? feature.compute(row[feature.column] ?? Number.NaN)
            : feature,
        );
      }
    },
  };
}

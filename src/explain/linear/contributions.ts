import type { Call } from "../../domain/call.ts";
import type { ExplainableGraph, LinearHead } from "../graph/explainable-graph.ts";
import type { Table } from "../table/table-reader.ts";

export type LinearGraph = ExplainableGraph & { readonly head: LinearHead };

/** What constant features and intercepts add to each score, whatever the row. */
export function constantScores({ columns, head }: LinearGraph): Float64Array {
  const scores = head.intercepts.slice();
  const values = new Float64Array(columns.features);
  // They do not look at the row.
  columns.compute(new Float64Array(columns.columns), values);
  for (let feature = 0; feature < columns.features; feature++)
    if (columns.columnOf[feature] === -1)
      for (let target = 0; target < head.targets; target++)
        (scores[target] as number) +=
          (values[feature] as number) * (head.weights[feature * head.targets + target] as number);
  return scores;
}

/**
 * What each column of a table adds to the scores, the features of a column together.
 * @returns row by row: `columns` times `targets` numbers
 */
export async function contributionsOf(
  graph: LinearGraph,
  table: Pick<Table, "rows" | "columns" | "values">,
  checkpoint: Call["checkpoint"],
): Promise<Float64Array[]> {
  const { columns, head } = graph;
  const { targets, weights } = head;
  const values = new Float64Array(columns.features);
  const found: Float64Array[] = [];
  for (let row = 0; row < table.rows; row++) {
    await checkpoint();
    const own = table.values.subarray(row * table.columns, (row + 1) * table.columns);
    columns.compute(own, values);
    const ofColumns = new Float64Array(columns.columns * targets);
    for (let feature = 0; feature < columns.features; feature++) {
      const column = columns.columnOf[feature] as number;
      if (column < 0) continue;
      const value = values[feature] as number;
      for (let target = 0; target < targets; target++)
        (ofColumns[column * targets + target] as number) +=
          value * (weights[feature * targets + target] as number);
    }
    found.push(ofColumns);
  }
  return found;
}

/** The mean of rows, number by number. */
export function meanOf(rows: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows)
    for (let at = 0; at < mean.length; at++)
      (mean[at] as number) += (row[at] as number) / rows.length;
  return mean;
}

/** The scores of a row: what its columns add up to. */
export function scoresOf(constants: Float64Array, ofColumns: Float64Array): Float64Array {
  const scores = constants.slice();
  const targets = scores.length;
  for (let at = 0; at < ofColumns.length; at++)
    (scores[at % targets] as number) += ofColumns[at] as number;
  return scores;
}

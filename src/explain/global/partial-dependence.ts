import type { GlobalTable } from "./global-table.ts";

/** The outputs by the values of one column, the other columns of each row as they are. */
export interface Dependence {
  /** By output and point of the grid. */
  readonly average: Float64Array;
  /** By output, row and point of the grid; empty where it was not asked for. */
  readonly individual: Float64Array;
}

/**
 * Runs every row with every value of the grid ("brute" in scikit-learn).
 * Source: Friedman, Greedy Function Approximation, Annals of Statistics 2001; Goldstein et al., Peeking Inside the Black Box, 2015.
 * @param outputs indices of those that are looked at
 * @param withRows whether the numbers of single rows are kept
 */
export async function dependOn(
  { reader, model, table, typed }: GlobalTable,
  column: number,
  grid: Float64Array,
  outputs: readonly number[],
  withRows: boolean,
): Promise<Dependence> {
  const { rows, columns } = table;
  const typedGrid = reader.toTyped(grid);
  const points = grid.length;
  const average = new Float64Array(outputs.length * points);
  const individual = new Float64Array(withRows ? outputs.length * rows * points : 0);
  await model.predictFrom({
    rows: points * rows,
    columns,
    fill(into, first, count) {
      for (let at = 0; at < count; at++) {
        const row = (first + at) % rows;
        const point = Math.floor((first + at) / rows);
        into.set(typed.subarray(row * columns, (row + 1) * columns) as never, at * columns);
        into[at * columns + column] = typedGrid[point] as never;
      }
    },
    take({ values: found, width }, first, count) {
      for (let at = 0; at < count; at++) {
        const row = (first + at) % rows;
        const point = Math.floor((first + at) / rows);
        for (const [place, output] of outputs.entries()) {
          const value = found[at * width + output] ?? 0;
          if (withRows) individual[(place * rows + row) * points + point] = value;
          (average[place * points + point] as number) += value / rows;
        }
      }
    },
  });
  return { average, individual };
}

import type { Table } from "./table-reader.ts";

/** How far rows of a table are from each other. */
export interface Gower {
  /** The difference in one column: 0 to 1 within the range of the background. */
  ofColumn(column: number, one: number, other: number): number;
  /** The mean over the columns. */
  distance(one: ArrayLike<number>, other: ArrayLike<number>): number;
}

/**
 * Gower's distance: numbers by their range, categories and missing values by whether they are the same.
 * Source: Gower, A general coefficient of similarity and some of its properties, Biometrics 1971.
 * @param categories by column, its names; `undefined` for numbers
 */
export function createGower(
  row: Table,
  background: Table,
  categories: readonly (readonly string[] | undefined)[],
): Gower {
  const { columns } = row;
  const ranges = Array.from({ length: columns }, (_, column) => rangeOf(column));

  function rangeOf(column: number): number {
    let [least, greatest] = [Infinity, -Infinity];
    for (const { values } of [row, background])
      for (let at = column; at < values.length; at += columns) {
        const value = values[at] as number;
        if (value < least) least = value;
        if (value > greatest) greatest = value;
      }
    return greatest - least;
  }

  function ofColumn(column: number, one: number, other: number): number {
    if (one === other || (Number.isNaN(one) && Number.isNaN(other))) return 0;
    const range = ranges[column] as number;
    if (categories[column] || !(range > 0)) return 1;
    const difference = Math.abs(one - other) / range;
    return Number.isNaN(difference) ? 1 : difference;
  }

  return {
    ofColumn,
    distance(one, other) {
      let sum = 0;
      for (let column = 0; column < columns; column++)
        sum += ofColumn(column, one[column] as number, other[column] as number);
      return sum / columns;
    },
  };
}

/** One row of a table, not copied. */
export function rowOf({ values, columns }: Table, row: number): Float64Array {
  return values.subarray(row * columns, (row + 1) * columns);
}

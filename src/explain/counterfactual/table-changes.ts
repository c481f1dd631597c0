import type { Call } from "../../domain/call.ts";
import type { FeatureData } from "../../domain/explanation/explanation.ts";
import type { ExplainedTable } from "../table/explained-table.ts";
import { createGower, type Gower } from "../table/gower.ts";
import { decimalsOf, roundTo } from "./column-steps.ts";

/** Values that one column is changed to, to find out which change helps. */
const MAX_CANDIDATES = 12;

/** A row that may be changed in some columns. Rows have numbers as they are written in the data, not as the model rounds them. */
export interface TableChanges {
  readonly row: Float64Array;
  /** Row by row. */
  readonly background: readonly Float64Array[];
  /** That may be changed. */
  readonly columns: readonly number[];
  readonly gower: Gower;
  /** By column, the values that the background or the categories have, without the row's own. */
  candidates(column: number): readonly number[];
  /** Values between the row's own and another one, those nearest to the row's first; none of a category. */
  between(column: number, from: number, to: number, count: number): readonly number[];
  /** The columns in which a row differs. */
  changed(row: Float64Array): number[];
  /** As a request would have it. */
  toData(row: Float64Array): FeatureData[];
}

export async function createTableChanges(
  { row, background, reader }: ExplainedTable,
  columns: readonly number[],
  checkpoint: Call["checkpoint"],
): Promise<TableChanges> {
  const { categories } = reader;
  const written = (data: readonly FeatureData[] = [], values: Float64Array): Float64Array =>
    values.map((value, column) => {
      const cell = data[column];
      return typeof cell === "number" && !categories[column] ? cell : value;
    });
  const width = row.columns;
  const own = written(row.data[0], row.values);
  const others = background.data.map((data, index) =>
    written(data, background.values.subarray(index * width, (index + 1) * width)),
  );
  const decimals = new Map<number, number>();
  const candidates = new Map<number, readonly number[]>();
  for (const column of columns) {
    await checkpoint();
    const cells = [row, background].flatMap(({ data }) => data.map((of) => of[column] ?? null));
    decimals.set(column, decimalsOf(cells));
    candidates.set(column, toCandidates(column));
  }

  function toCandidates(column: number): readonly number[] {
    const names = categories[column];
    const all = names
      ? names.map((_, index) => index)
      : others.map((other) => other[column] as number);
    const distinct = [...new Set(all)].filter(
      (value) => !Number.isNaN(value) && value !== own[column],
    );
    distinct.sort((a, b) => a - b);
    if (distinct.length <= MAX_CANDIDATES) return distinct;
    const step = (distinct.length - 1) / (MAX_CANDIDATES - 1);
    return Array.from(
      { length: MAX_CANDIDATES },
      (_, index) => distinct[Math.round(index * step)] as number,
    );
  }

  return {
    row: own,
    background: others,
    columns,
    gower: createGower(row, background, categories),
    candidates: (column) => candidates.get(column) ?? [],
    between(column, from, to, count) {
      if (categories[column] || Number.isNaN(from)) return [];
      const values = Array.from({ length: count }, (_, index) =>
        roundTo(from + ((to - from) * (index + 1)) / (count + 1), decimals.get(column) ?? 0),
      );
      const [least, greatest] = from < to ? [from, to] : [to, from];
      return [...new Set(values)].filter((value) => value > least && value < greatest);
    },
    changed: (other) =>
      columns.filter(
        (column) => !Object.is(own[column], other[column]) && own[column] !== other[column],
      ),
    toData: (other) => {
      const data = reader.toData(other);
      return data.map((value, column) => {
        if (Object.is(other[column], own[column])) return row.data[0]?.[column] ?? null;
        return typeof row.data[0]?.[column] === "boolean" ? value === 1 : value;
      });
    },
  };
}

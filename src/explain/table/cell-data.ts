import type { TabularBlock } from "../../domain/blocks/preprocess/tabular.ts";
import type { FeatureData } from "../../domain/explanation/explanation.ts";
import { toDouble } from "../../shared/json-number.ts";
import { isMissing } from "../../tasks/tabular/missing-value.ts";
import { TextRow } from "../../tasks/tabular/table-preprocessor.ts";

/**
 * The cells of a row as the request had them.
 * @param row of the preprocessor, which has read it
 * @param numbers that it has become
 */
export function toCellData(
  row: unknown,
  { columns, categories }: Pick<TabularBlock, "columns" | "categories">,
  numbers: ArrayLike<number>,
): FeatureData[] {
  const cells = cellsOf(row, columns);
  return columns.map((name, column) => {
    const cell = cells[column];
    const number = numbers[column] ?? Number.NaN;
    const category = categories[name]?.[number];
    if (category !== undefined && String(cell) === category) return category;
    if (isMissing(cell)) return null;
    if (typeof cell === "boolean") return cell;
    const double = Number(toDouble(cell));
    // A text of CSV that is no number, such as `true`, has become one.
    return Number.isFinite(double) ? double : number;
  });
}

/** The numbers of nested arrays, as the request had them. */
export function toNumberData(item: unknown, numbers: ArrayLike<number>): FeatureData[] {
  const flat: readonly unknown[] = Array.isArray(item) ? item.flat(Infinity) : [item];
  return flat.map((value, index) =>
    typeof value === "boolean" ? value : finite(Number(toDouble(value)), numbers[index]),
  );
}

function cellsOf(row: unknown, columns: readonly string[]): readonly unknown[] {
  if (row instanceof TextRow) return row.cells;
  if (Array.isArray(row)) return row;
  const values = new Map(Object.entries(row as Readonly<Record<string, unknown>>));
  return columns.map((name) => values.get(name));
}

function finite(value: number, otherwise = Number.NaN): FeatureData {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(otherwise) ? null : otherwise;
}

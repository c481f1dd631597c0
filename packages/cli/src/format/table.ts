import { stripVTControlCharacters } from "node:util";
import { toPrintable } from "./printable.ts";

const GAP = "  ";

/** Rows of texts as columns of the width of their longest text; the last one is not padded. */
export function toTable(given: readonly (readonly string[])[]): string {
  // A line break in a text would forge a row.
  const rows = given.map((row) => row.map((cell) => toPrintable(cell, "")));
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell)))
        .join(GAP)
        .trimEnd(),
    )
    .join("\n");
}

function widthOf(cell: string): number {
  return [...stripVTControlCharacters(cell)].length;
}

import { withValue } from "./find-changes.ts";
import type { LabelSearch, TriedRow } from "./label-search.ts";
import type { TableChanges } from "./table-changes.ts";

/** Values that are tried at once between two: 4 rounds distinguish 65,000. */
const PROBES = 15;
const MAX_ROUNDS = 5;

/** Makes a change as small as it can be while a wanted label is predicted: first fewer columns, then smaller steps. */
export async function shrinkChanges(
  changes: TableChanges,
  search: LabelSearch,
  found: TriedRow,
): Promise<TriedRow> {
  let current = await dropColumns(changes, search, found);
  const byDistance = changes
    .changed(current.row)
    .sort((a, b) => stepOf(changes, current, b) - stepOf(changes, current, a));
  for (const column of byDistance) current = await approach(changes, search, current, column);
  return dropColumns(changes, search, current);
}

/** Leaves out as many columns as the label permits, those first that matter least. */
async function dropColumns(
  changes: TableChanges,
  search: LabelSearch,
  found: TriedRow,
): Promise<TriedRow> {
  let current = found;
  for (;;) {
    const columns = changes.changed(current.row);
    if (columns.length < 2) return current;
    const single = await search.try(
      columns.map((column) => withValue(current.row, column, changes.row[column] as number)),
    );
    const order = single
      .map((tried, index) => ({ tried, column: columns[index] as number }))
      .filter(({ tried }) => tried.isWanted)
      .sort((a, b) => b.tried.lead - a.tried.lead);
    const [best] = order;
    if (!best) return current;
    let row = current.row;
    const several = order.map(({ column }) => {
      row = withValue(row, column, changes.row[column] as number);
      return row;
    });
    // The row itself has no wanted label.
    const tried = await search.try(several.slice(1));
    current = tried.findLast(({ isWanted }) => isWanted) ?? best.tried;
  }
}

/** Brings one column nearer to the row's own value. */
async function approach(
  changes: TableChanges,
  search: LabelSearch,
  found: TriedRow,
  column: number,
): Promise<TriedRow> {
  let current = found;
  let from = changes.row[column] as number;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const to = current.row[column] as number;
    const values = changes.between(column, from, to, PROBES);
    const tried = await search.try(values.map((value) => withValue(current.row, column, value)));
    const first = tried.findIndex(({ isWanted }) => isWanted);
    if (tried.length === 0) return current;
    if (first >= 0) current = tried[first] as TriedRow;
    // Between the last value that was not enough and the first that was.
    const before = first < 0 ? tried.length - 1 : first - 1;
    if (before >= 0) from = values[before] as number;
  }
  return current;
}

function stepOf({ gower, row }: TableChanges, other: TriedRow, column: number): number {
  return gower.ofColumn(column, row[column] as number, other.row[column] as number);
}

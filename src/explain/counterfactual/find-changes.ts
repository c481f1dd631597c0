import type { LabelSearch, TriedRow } from "./label-search.ts";
import type { TableChanges } from "./table-changes.ts";

/** Columns that are changed one after the other. */
const MAX_DEPTH = 10;
/** Of the changes of one column that suffice, those that are looked at. */
const MAX_FOUND = 12;

/**
 * Changes one column after the other to that candidate value which brings a wanted label nearest, until one is predicted.
 * @param start what the model says of the row itself
 * @param without columns that are left as they are
 * @returns rows with a wanted label, the nearest first, each of another column in the last step; none when no change helps
 */
export async function growChanges(
  changes: TableChanges,
  search: LabelSearch,
  start: TriedRow,
  without: ReadonlySet<number>,
): Promise<TriedRow[]> {
  let current = start;
  const rest = new Set(changes.columns.filter((column) => !without.has(column)));
  for (let depth = 0; depth < MAX_DEPTH && rest.size > 0; depth++) {
    const steps = [...rest].flatMap((column) =>
      changes
        .candidates(column)
        .map((value) => ({ column, row: withValue(current.row, column, value) })),
    );
    const tried = await search.try(steps.map(({ row }) => row));
    const found = tried.flatMap((result, index) =>
      result.isWanted ? [{ result, column: steps[index]?.column ?? 0 }] : [],
    );
    if (found.length > 0) {
      const distance = ({ row }: TriedRow): number => changes.gower.distance(changes.row, row);
      found.sort((a, b) => distance(a.result) - distance(b.result));
      const columns = new Set<number>();
      return found
        .filter(({ column }) => !columns.has(column) && columns.add(column))
        .slice(0, MAX_FOUND)
        .map(({ result }) => result);
    }
    let best: number | undefined;
    for (const [index, { lead }] of tried.entries())
      if (lead > (best === undefined ? current.lead : (tried[best] as TriedRow).lead)) best = index;
    if (best === undefined) return [];
    current = tried[best] as TriedRow;
    rest.delete(steps[best]?.column ?? 0);
  }
  return [];
}

/** The row with the allowed columns of the nearest background rows that have a wanted label. */
export async function borrowChanges(
  changes: TableChanges,
  search: LabelSearch,
  background: readonly TriedRow[],
  count: number,
): Promise<TriedRow[]> {
  const mixed = background
    .filter(({ isWanted }) => isWanted)
    .map(({ row: other }) => {
      const row = changes.row.slice();
      // A missing value is no change that one could make.
      for (const column of changes.columns)
        if (!Number.isNaN(other[column])) row[column] = other[column] as number;
      return { row, distance: changes.gower.distance(changes.row, row) };
    })
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count);
  const tried = await search.try(mixed.map(({ row }) => row));
  return tried.filter(({ isWanted }) => isWanted);
}

export function withValue(row: Float64Array, column: number, value: number): Float64Array {
  const changed = row.slice();
  changed[column] = value;
  return changed;
}

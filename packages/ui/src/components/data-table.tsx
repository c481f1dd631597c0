import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface Column<Row> {
  readonly name: string;
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** By which rows can be sorted; numbers are shown at the right. */
  readonly sortBy?: (row: Row) => number | string;
  readonly isNumber?: boolean;
}

interface DataTableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}

/** A table that scrolls sideways where there is no room, and whose rows can be sorted. The first column is the header of its row. */
export function DataTable<Row>({ caption, columns, rows, keyOf }: DataTableProps<Row>) {
  const [sorting, setSorting] = useState<{ name: string; descending: boolean }>();
  const by = columns.find(({ name }) => name === sorting?.name)?.sortBy;
  const sorted = by ? rows.toSorted((one, two) => compare(by(one), by(two))) : rows;
  const shown = by && sorting?.descending ? sorted.toReversed() : sorted;
  const sort = (name: string): void =>
    setSorting((before) => ({
      name,
      descending: before?.name === name ? !before.descending : true,
    }));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section class="scroll" aria-label={`${caption}: table`} tabIndex={0}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, title, sortBy, isNumber }) => (
              <th
                key={name}
                scope="col"
                class={isNumber ? "number" : ""}
                {...(sortBy && { "aria-sort": directionOf(sorting, name) })}
              >
                {sortBy ? (
                  <button type="button" class="sort" onClick={() => sort(name)}>
                    {title}
                    <span aria-hidden="true">{markOf(sorting, name)}</span>
                  </button>
                ) : (
                  title
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, cell, isNumber }, index) =>
                index === 0 ? (
                  <th key={name} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={name} class={isNumber ? "number" : ""}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

type Sorting = { readonly name: string; readonly descending: boolean } | undefined;

function directionOf(sorting: Sorting, name: string): "ascending" | "descending" | "none" {
  if (sorting?.name !== name) return "none";
  return sorting.descending ? "descending" : "ascending";
}

function markOf(sorting: Sorting, name: string): string {
  return { ascending: " ↑", descending: " ↓", none: "" }[directionOf(sorting, name)];
}

function compare(one: number | string, two: number | string): number {
  if (typeof one === "number" && typeof two === "number") return one - two;
  return String(one).localeCompare(String(two));
}

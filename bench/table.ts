export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  /** One cell for each column; the first column is a name, the others are numbers. */
  readonly rows: readonly (readonly string[])[];
}

/** The table as plain text: names aligned to the left, numbers to the right. */
export function formatTable({ title, columns, rows }: Table): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width));
  return [title, line(columns), line(rule), ...rows.map(line)].join("\n");
}

import type { Contribution, Contributions } from "./contributions.ts";
import { toChangeLabel, toDataLabel, toLabel, toNumberLabel } from "./labels.ts";

/** A feature with its value in the input, as axes show it. */
export function toRowLabel({ name, data }: Contribution, width?: number): string {
  return data === undefined
    ? toLabel(name, width)
    : `${toLabel(name, width)} = ${toDataLabel(data)}`;
}

/** What a chart shows, as one sentence an output. */
export function describe(
  { outputNames, base, output }: Contributions,
  rows: readonly Contribution[],
): string {
  return outputNames
    .map((name, place) => {
      const values = rows.map(
        (row) => `${toRowLabel(row)}: ${toChangeLabel(row.values[place] ?? 0)}`,
      );
      const from = base.length > 0 ? ` from the base value ${toNumberLabel(base[place] ?? 0)}` : "";
      const to = output.length > 0 ? ` to the output ${toNumberLabel(output[place] ?? 0)}` : "";
      return `${toLabel(name)}${from}${to}: ${values.join(", ")}.`;
    })
    .join(" ");
}

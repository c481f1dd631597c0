import type { Explanation } from "../../../../src/domain/explanation/explanation.ts";
import { toTable } from "../format/table.ts";
import type { Output } from "../output.ts";

/** Features that are shown; the others are one line. */
const MAX_FEATURES = 10;
const BAR_WIDTH = 24;

/** An explanation for a person: a bar for each feature, the longest first; `undefined` for one of another form. */
export function viewExplanations(output: Output, value: unknown): string | undefined {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (all.length === 0 || !all.every(hasValues)) return undefined;
  return all.map((explanation) => viewOutputs(output, explanation)).join("\n\n");
}

function viewOutputs(output: Output, explanation: Explanation): string {
  return explanation.output_names
    .map((_, index) => viewOutput(output, explanation, index))
    .join("\n\n");
}

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly error: number | undefined;
}

function viewOutput(output: Output, explanation: Explanation, index: number): string {
  const { base_value, output_names, space } = explanation;
  const name = output.style("bold", output_names[index] ?? "");
  const total = at(explanation.output, index);
  const head = `${name}  ${space} ${formatNumber(total)} = ${formatNumber(at(base_value, index))} + ${formatNumber(total - at(base_value, index))}`;
  const bars = toBars(explanation, index);
  const longest = Math.max(...bars.map(({ value }) => Math.abs(value)), Number.MIN_VALUE);
  const rows = bars.map(({ label, value, error }) => [
    label,
    signed(value),
    output.style(value < 0 ? "blue" : "red", barOf(value, longest)),
    ...(error === undefined ? [] : [`± ${formatNumber(error)}`]),
  ]);
  return `${head}\n${toTable(rows)}`;
}

function toBars(explanation: Explanation, output: number): Bar[] {
  const { feature_names, data, values, std_error } = explanation;
  // A region of a picture and a time of a recording have no value.
  const isOfParts = "map" in explanation || "parts" in explanation;
  const bars = values.map((value, index): Bar => {
    const given = data[index];
    const name = feature_names[index] ?? String(index);
    const isNamed = given === undefined || String(given) === name || (isOfParts && given === null);
    const error = std_error?.[index];
    return {
      label: isNamed ? name : `${name} = ${given === null ? "missing" : given}`,
      value: at(value, output),
      error: error === undefined ? undefined : at(error, output),
    };
  });
  bars.sort((one, two) => Math.abs(two.value) - Math.abs(one.value));
  const others = bars.slice(MAX_FEATURES);
  if (others.length < 2) return bars;
  const rest = others.reduce((sum, { value }) => sum + value, 0);
  return [
    ...bars.slice(0, MAX_FEATURES),
    { label: `${others.length} others`, value: rest, error: undefined },
  ];
}

function barOf(value: number, longest: number): string {
  const length = Math.round((Math.abs(value) / longest) * BAR_WIDTH);
  return (value < 0 ? "░" : "█").repeat(value === 0 ? 0 : Math.max(1, length));
}

function at(value: number | readonly number[], index: number): number {
  return typeof value === "number" ? value : (value[index] ?? 0);
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${formatNumber(Math.abs(value))}`;
}

/** Four digits that say something. */
function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(3);
  return String(Number(value.toPrecision(4)));
}

function hasValues(explanation: unknown): explanation is Explanation {
  const { values, output_names: names } = Object(explanation) as Partial<Explanation>;
  return Array.isArray(values) && Array.isArray(names);
}

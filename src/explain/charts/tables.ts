import type { FeatureData } from "../../domain/explanation/explanation.ts";
import type { Html } from "../../shared/html.ts";
import type { ChartCounterfactual, ChartNeighbor } from "./chart-answer.ts";
import { type Contributions, largestOutputs, selectOutputs } from "./contributions.ts";
import { toChangeLabel, toDataLabel, toLabel, toNumberLabel } from "./labels.ts";
import { type Cell, numberCell, renderTable, textCell } from "./page.ts";
import { MAX_SERIES } from "./palette.ts";

/** Rows of a table; answers in JSON have all. */
const MAX_ROWS = 200;
const MAX_COLUMNS = 30;
const NAME_WIDTH = 60;

/** All values of an explanation, the largest first. */
export function contributionTable(
  all: Contributions,
  signed: boolean,
  errorName: string = "Standard error",
): Html {
  const { outputNames, features } =
    all.outputNames.length > MAX_SERIES ? selectOutputs(all, largestOutputs(all, MAX_SERIES)) : all;
  const hasData = features.some(({ data }) => data !== undefined);
  const hasErrors = features.some(({ errors }) => errors);
  const toText = signed ? toChangeLabel : toNumberLabel;
  const rows = features
    .slice(0, MAX_ROWS)
    .map(({ name, data, values, errors }) => [
      textCell(toLabel(name, NAME_WIDTH)),
      ...(hasData ? [dataCell(data ?? null)] : []),
      ...values.flatMap((value, place) => [
        numberCell(toText(value)),
        ...(hasErrors ? [numberCell(`\u00b1 ${toNumberLabel(errors?.[place] ?? 0)}`)] : []),
      ]),
    ]);
  return renderTable(
    rows.length < features.length
      ? `The first ${rows.length} of ${features.length} features`
      : "All features",
    [
      textCell("Feature"),
      ...(hasData ? [textCell("Value of the input")] : []),
      ...outputNames.flatMap((name) => [
        numberCell(toLabel(name)),
        ...(hasErrors ? [numberCell(errorName)] : []),
      ]),
    ],
    rows,
  );
}

/** What would have to be another one, a row a column that changes. */
export function counterfactualTable(
  { changes, output_name, output, distance }: ChartCounterfactual,
  place: number,
): Html {
  const facts = [
    output_name === undefined ? [] : toLabel(output_name),
    output === undefined ? [] : toNumberLabel(output),
    distance === undefined ? [] : `distance ${toNumberLabel(distance)}`,
  ].flat();
  return renderTable(
    `Counterfactual ${place + 1}: ${facts.join(", ")}`,
    [textCell("Feature"), textCell("From"), textCell("To")],
    Object.entries(changes)
      .slice(0, MAX_ROWS)
      .map(([name, [from, to]]) => [
        textCell(toLabel(name, NAME_WIDTH)),
        dataCell(from),
        dataCell(to),
      ]),
  );
}

/** The rows that are nearest to an input. */
export function neighborTable(
  neighbors: readonly ChartNeighbor[],
  featureNames: readonly string[],
): Html {
  const names = featureNames.slice(0, MAX_COLUMNS);
  const hasOutput = neighbors.some(({ output }) => output !== undefined);
  return renderTable(
    names.length < featureNames.length
      ? `Nearest examples: the first ${names.length} of ${featureNames.length} features`
      : "Nearest examples",
    [
      textCell("Row"),
      numberCell("Distance"),
      ...(hasOutput ? [textCell("Output")] : []),
      ...names.map((name) => textCell(toLabel(name))),
    ],
    neighbors
      .slice(0, MAX_ROWS)
      .map(({ index, data, distance, output }) => [
        textCell(String(index)),
        numberCell(toNumberLabel(distance)),
        ...(hasOutput ? [outputCell(output)] : []),
        ...names.map((name, place) => dataCell(valueIn(data, name, place))),
      ]),
  );
}

function valueIn(data: ChartNeighbor["data"], name: string, place: number): FeatureData {
  const value = Array.isArray(data)
    ? data[place]
    : (data as Readonly<Record<string, FeatureData>>)[name];
  return value ?? null;
}

function outputCell(output: unknown): Cell {
  if (typeof output === "number") return numberCell(toNumberLabel(output));
  return textCell(
    toLabel(typeof output === "string" ? output : JSON.stringify(output), NAME_WIDTH),
  );
}

function dataCell(data: FeatureData): Cell {
  const text = toDataLabel(data, NAME_WIDTH);
  return typeof data === "number" ? numberCell(text) : textCell(text);
}

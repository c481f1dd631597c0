import { ApiError } from "../../domain/errors.ts";
import { type ChosenOutputs, chooseOutputs } from "../choose-outputs.ts";
import { mediaParameters } from "../media/media-parameters.ts";
import type { ExplanationRequest } from "../method.ts";
import { type Background, readBackground } from "./background.ts";
import { createTableModel, type TableModel } from "./table-model.ts";
import { createTableOutputs, type TableOutputs } from "./table-outputs.ts";
import { createTableReader, type Table, type TableReader } from "./table-reader.ts";

/** A row that is explained, with what the methods of tables need of it. */
export interface ExplainedTable {
  readonly reader: TableReader;
  readonly model: TableModel;
  readonly outputs: TableOutputs;
  readonly row: Table;
  readonly background: Background;
}

export type TableRequest = Pick<
  ExplanationRequest,
  | "version"
  | "inputs"
  | "space"
  | "output"
  | "background"
  | "backgroundRows"
  | "seed"
  | "parameters"
>;

/**
 * Reads the row and the background of a request. Nothing is run.
 * @throws ApiError for what is not valid: rows, space, output; `background_missing`
 */
export async function openTable(request: TableRequest): Promise<ExplainedTable> {
  const { version } = request;
  const { manifest } = version.model;
  refusePartsOfMedia(request.parameters);
  const reader = await createTableReader(version);
  const outputs = createTableOutputs(manifest, request.space);
  // Labels are known before anything is run.
  if (outputs.labels.length > 0) chooseOutputs(request.output, outputs.labels, 0);
  const row = await reader.read(request.inputs);
  if (row.rows !== 1)
    throw new ApiError(
      "invalid_request",
      `An explanation is of one row, and the input has ${row.rows}: send the rows as a list of inputs.`,
      { details: { rows: row.rows } },
    );
  const background = await readBackground(reader, request);
  if (background.columns !== row.columns)
    throw new ApiError(
      "invalid_shape",
      `The background rows have ${background.columns} values; the input has ${row.columns}.`,
      { details: { expected: row.columns, actual: background.columns } },
    );
  const model = createTableModel(version, reader, outputs);
  return { reader, model, outputs, row, background };
}

/** What divides texts, pictures and sounds says nothing of a table. @throws ApiError `invalid_request` */
function refusePartsOfMedia(parameters: unknown): void {
  const given = Object.entries(parameters ?? {});
  const [name] = given.find(([key, value]) => value !== undefined && key in mediaParameters) ?? [];
  if (name === undefined) return;
  throw new ApiError(
    "invalid_request",
    `"parameters.${name}" is of texts, pictures or recordings; the model takes rows of numbers, whose features are the columns. Leave it out.`,
    { details: { field: `parameters.${name}` } },
  );
}

/** A row of a model's answers, and which of its numbers are explained. */
export interface PredictedRow {
  readonly values: Float64Array;
  readonly chosen: ChosenOutputs;
}

/**
 * Runs the row itself.
 * @throws ApiError of the run; `invalid_request` for an output that the model does not have
 */
export async function predictRow(
  table: ExplainedTable,
  output: ExplanationRequest["output"],
): Promise<PredictedRow> {
  const { values } = await table.model.predict(table.row.values, 1);
  return { values, chosen: chooseRowOutputs(table, output, values) };
}

/** @param values the model's answer to the row that is explained */
export function chooseRowOutputs(
  { outputs }: Pick<ExplainedTable, "outputs">,
  output: ExplanationRequest["output"],
  values: ArrayLike<number>,
): ChosenOutputs {
  return chooseOutputs(output, outputs.names(values.length), outputs.predicted(values));
}

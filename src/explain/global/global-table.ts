import type { TypedArray } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import type { ExplanationSpace } from "../../domain/explanation/explanation.ts";
import { quote } from "../../shared/quote.ts";
import { type ChosenOutputs, chooseOutputs, listNames } from "../choose-outputs.ts";
import type { ExplanationRequest } from "../method.ts";
import { refuseBackground } from "../table/background.ts";
import { createTableModel, type TableModel } from "../table/table-model.ts";
import { createTableOutputs, type TableOutputs } from "../table/table-outputs.ts";
import { createTableReader, type Table, type TableReader } from "../table/table-reader.ts";

/** Rows that are explained together by one request. */
export const MAX_GLOBAL_ROWS = 10_000;

/** Rows over which a model is explained. */
export interface GlobalTable {
  readonly reader: TableReader;
  readonly outputs: TableOutputs;
  readonly model: TableModel;
  readonly table: Table;
  /** The rows in the model's datatype. */
  readonly typed: TypedArray;
}

/** @throws ApiError for what is not valid: a model of another kind, rows, their number, the space */
export async function openGlobalTable(
  request: Pick<ExplanationRequest, "version" | "inputs" | "background" | "backgroundRows">,
  space: ExplanationSpace | undefined,
): Promise<GlobalTable> {
  const { version, inputs } = request;
  refuseBackground("the method reads the rows of inputs alone", request);
  const reader = await createTableReader(version);
  const outputs = createTableOutputs(version.model.manifest, space);
  const table = await reader.read(inputs);
  refuseRows(table.rows, MAX_GLOBAL_ROWS);
  const model = createTableModel(version, reader, outputs);
  return { reader, outputs, model, table, typed: reader.toTyped(table.values) };
}

/** @throws ApiError `invalid_request` for more rows than one request may have */
export function refuseRows(rows: number, limit: number): void {
  if (rows <= limit) return;
  throw new ApiError(
    "invalid_request",
    `"inputs" has ${rows} rows: the method takes at most ${limit} in one request. Send a sample of them.`,
    { details: { field: "inputs", limit, actual: rows } },
  );
}

/**
 * The columns that are asked for, by name or index; `undefined` for all of them.
 * @throws ApiError `invalid_request` that lists the columns
 */
export function chooseFeatures(
  features: readonly (string | number)[] | undefined,
  names: readonly string[],
): number[] {
  if (!features) return names.map((_, column) => column);
  const columns = features.map((feature) => {
    const named = typeof feature === "string" ? names.indexOf(feature) : feature;
    if (named >= 0 && named < names.length) return named;
    throw new ApiError(
      "invalid_request",
      `"parameters.features" has ${typeof feature === "string" ? quote(feature) : feature}, which is no feature of the model: they are ${listNames(names)}, with indices from 0 to ${names.length - 1}.`,
      { details: { field: "parameters.features" } },
    );
  });
  return [...new Set(columns)];
}

/**
 * All outputs where none is asked for: over many rows there is no predicted one.
 * @throws ApiError `invalid_request` that lists the outputs
 */
export function chooseGlobalOutputs(
  output: string | number | undefined,
  names: readonly string[],
): ChosenOutputs {
  return chooseOutputs(output ?? (names.length === 1 ? 0 : "all"), names, 0);
}

/** The last of what a generator yields: the whole result. */
export async function lastOf(parts: AsyncIterable<object>): Promise<object> {
  let last: object = {};
  for await (const part of parts) last = part;
  return last;
}

import { type TabularBlock, tabularBlock } from "../../domain/blocks/preprocess/tabular.ts";
import { yieldToEventLoop } from "../../domain/call.ts";
import { NUMERIC_DATATYPES, type NumericDatatype } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import { Media } from "../../domain/media.ts";
import { type TensorSpec, toBytes } from "../../domain/tensor.ts";
import { describe } from "../../domain/tensor-json.ts";
import { clipAll, quoteAll } from "../../shared/quote.ts";
import {
  type Item,
  type Items,
  MAX_VALUES,
  type PreprocessedBatch,
  type Preprocessor,
  rowsPerRun,
  splitList,
} from "../preprocessor.ts";
import { runInSteps } from "../run-in-steps.ts";
import { type Column, createColumn } from "./column.ts";
import { type CsvOptions, readCsv } from "./csv.ts";
import { isTableOfColumns, readColumns } from "./table-of-columns.ts";

/** Values that are read between two checkpoints: a few milliseconds. */
const VALUES_PER_STEP = 20_000;

/** A row of CSV or of a table by columns, its cells in the order of the columns: numbers may be written as text. */
export class TextRow {
  readonly cells: readonly unknown[];

  constructor(cells: readonly unknown[]) {
    this.cells = cells;
  }
}

/**
 * Rows of a table: one or a list, each an array in the order of the columns or an object by column name; a table by
 * columns; or a body of CSV. Names of categories become their indices, missing values the numbers of the block.
 */
export function createTabularPreprocessor(
  spec: TensorSpec,
  block: Omit<TabularBlock, "type" | "version" | "input">,
): Preprocessor<typeof tabularBlock.parameters, Items | Promise<Items>> {
  const datatype = toNumericDatatype(spec);
  const names = block.columns;
  const known = new Set(names);
  const width = names.length;
  const maxRows = Math.floor(MAX_VALUES / width);
  const columns = names.map((name) =>
    createColumn(
      { name, categories: block.categories[name], missing: toNumber(block.missing[name]) },
      datatype,
    ),
  );
  const isOptional = (name: string): boolean => block.missing[name] !== undefined;
  const expected = `a row of ${width} values (${names.join(", ")}), an object by those names, or a list of rows`;

  const toCells = (row: unknown, path: string): readonly unknown[] => {
    if (Array.isArray(row)) {
      if (row.length === width) return row;
      throw new ApiError(
        "invalid_shape",
        `${path} has ${row.length} values, but the model takes ${width}: ${names.join(", ")}.`,
        { details: { expected: names, actual: row.length } },
      );
    }
    if (typeof row !== "object" || row === null || row instanceof Media)
      throw new ApiError("invalid_input", `${path} must be ${expected}; got ${describe(row)}.`);
    const values = new Map(Object.entries(row));
    const unknown = [...values.keys()].filter((name) => !known.has(name));
    const missing = names.filter((name) => !values.has(name) && !isOptional(name));
    if (unknown.length > 0 || missing.length > 0)
      throw new ApiError(
        "invalid_input",
        `${path} must have the columns ${names.join(", ")};${missing.length > 0 ? ` missing: ${missing.join(", ")};` : ""}${unknown.length > 0 ? ` unknown: ${quoteAll(unknown)};` : ""} and no others.`,
        { details: { expected: names, missing, unknown: clipAll(unknown) } },
      );
    return names.map((name) => values.get(name));
  };

  const toRow = ({ value, path }: Item): readonly (number | bigint)[] => {
    if (value instanceof TextRow)
      return columns.map((column, index) => column.fromCell(value.cells[index], path));
    const cells = toCells(value, path);
    return columns.map((column: Column, index) => column.fromJson(cells[index], path));
  };

  const toTextRows = (rows: readonly (readonly unknown[])[]): Items => ({
    items: rows.map((cells, index) => ({ value: new TextRow(cells), path: `row ${index + 1}` })),
    form: "list",
  });

  function* splitCsv({ bytes }: Media, options: CsvOptions): Generator<unknown, Items> {
    return toTextRows(yield* readCsv(bytes, names, isOptional, options));
  }

  function* toTensor(items: readonly Item[]): Generator<unknown, PreprocessedBatch> {
    const data = new NUMERIC_DATATYPES[datatype].array(items.length * width);
    let offset = 0;
    let paused = 0;
    for (const item of items) {
      // Columns return bigints for the datatypes whose array takes bigints.
      for (const value of toRow(item)) data[offset++] = value as never;
      if (offset - paused < VALUES_PER_STEP) continue;
      paused = offset;
      yield;
    }
    const shape = [items.length, width];
    return { tensors: [{ name: spec.name, datatype, shape, data: toBytes(data) }] };
  }

  return {
    mediaTypes: tabularBlock.mediaTypes,
    parameters: tabularBlock.parameters,
    maxBatch: rowsPerRun(spec.shape[0], width),
    split(inputs, options, checkpoint = yieldToEventLoop) {
      if (inputs instanceof Media) return runInSteps(splitCsv(inputs, options), checkpoint);
      // One of those that a table was split into.
      if (inputs instanceof TextRow)
        return { items: [{ value: inputs, path: "inputs" }], form: "one" };
      if (isTableOfColumns(inputs))
        return toTextRows(readColumns(inputs, names, isOptional, maxRows));
      const [first] = Array.isArray(inputs) ? inputs : [];
      const isList = typeof first === "object" && first !== null;
      if (!isList) return { items: [{ value: inputs, path: "inputs" }], form: "one" };
      return splitList(inputs, (count) => {
        if (count <= maxRows) return;
        throw new ApiError(
          "invalid_input",
          `inputs has ${count} rows: a request may have ${maxRows} at most.`,
          { details: { maxRows, actual: count } },
        );
      });
    },
    toTensors(items, { trace, checkpoint }) {
      return trace.measure("preprocess", () => runInSteps(toTensor(items), checkpoint));
    },
  };
}

function toNumericDatatype({ datatype }: TensorSpec): NumericDatatype {
  if (datatype === "BYTES") throw new Error("a table is of numbers, not of BYTES");
  return datatype;
}

function toNumber(value: number | "nan" | undefined): number | undefined {
  return value === "nan" ? Number.NaN : value;
}

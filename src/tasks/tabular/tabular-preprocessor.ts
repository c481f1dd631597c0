import { type TabularBlock, tabularBlock } from "../../domain/blocks/preprocess/tabular.ts";
import { NUMERIC_DATATYPES } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import { Media } from "../../domain/media.ts";
import { type TensorSpec, toBytes } from "../../domain/tensor.ts";
import { describe } from "../../domain/tensor-json.ts";
import { clipAll, quoteAll } from "../../shared/quote.ts";
import {
  type Item,
  type Items,
  MAX_VALUES,
  maxBatchOf,
  type Preprocessor,
  splitList,
} from "../preprocessor.ts";
import { type Column, createColumn } from "./column.ts";
import { type CsvOptions, type CsvRow, readCsv } from "./csv.ts";

/** A row of CSV, its cells in the order of the columns. */
class TextRow {
  readonly cells: CsvRow;

  constructor(cells: CsvRow) {
    this.cells = cells;
  }
}

/**
 * Rows of a table: one or a list, each an array in the order of the columns or an object by column name, or a
 * body of CSV. Names of categories become their indices, missing values the numbers of the block.
 */
export function createTabularPreprocessor(
  spec: TensorSpec,
  block: Omit<TabularBlock, "type" | "version" | "input">,
): Preprocessor<typeof tabularBlock.parameters> {
  const { datatype } = spec;
  if (datatype === "BYTES") throw new Error("a table is of numbers, not of BYTES");
  const names = block.columns;
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
    const unknown = [...values.keys()].filter((name) => !names.includes(name));
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
      return columns.map((column, index) => column.fromText(value.cells[index], path));
    const cells = toCells(value, path);
    return columns.map((column: Column, index) => column.fromJson(cells[index], path));
  };

  const splitCsv = ({ bytes }: Media, options: CsvOptions): Items => {
    const rows = readCsv(bytes, names, isOptional, options);
    const items = rows.map((cells, index) => ({
      value: new TextRow(cells),
      path: `row ${index + 1}`,
    }));
    return { items, form: "list" };
  };

  return {
    mediaTypes: tabularBlock.mediaTypes,
    parameters: tabularBlock.parameters,
    maxBatch: maxBatchOf(spec.shape[0], Number.POSITIVE_INFINITY),
    split(inputs, options) {
      if (inputs instanceof Media) return splitCsv(inputs, options);
      const [first] = Array.isArray(inputs) ? inputs : [];
      const isList = typeof first === "object" && first !== null;
      if (!isList) return { items: [{ value: inputs, path: "inputs" }], form: "one" };
      const list = splitList(inputs);
      if (list.items.length > maxRows)
        throw new ApiError(
          "invalid_input",
          `inputs has ${list.items.length} rows: a request may have ${maxRows} at most.`,
          { details: { maxRows, actual: list.items.length } },
        );
      return list;
    },
    toTensors(items, { trace }) {
      return trace.measure("preprocess", () => {
        const data = new NUMERIC_DATATYPES[datatype].array(items.length * width);
        let offset = 0;
        // Columns return bigints for the datatypes whose array takes bigints.
        for (const item of items) for (const value of toRow(item)) data[offset++] = value as never;
        const shape = [items.length, width];
        return { tensors: [{ name: spec.name, datatype, shape, data: toBytes(data) }] };
      });
    },
  };
}

function toNumber(value: number | "nan" | undefined): number | undefined {
  return value === "nan" ? Number.NaN : value;
}

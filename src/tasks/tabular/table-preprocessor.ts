import { tabularBlock } from "../../domain/blocks/preprocess/tabular.ts";
import { yieldToEventLoop } from "../../domain/call.ts";
import { type Datatype, NUMERIC_DATATYPES, type TypedArray } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import { Media } from "../../domain/media.ts";
import { type Tensor, type TensorSpec, toBytes } from "../../domain/tensor.ts";
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
import type { AnyColumn } from "./column.ts";
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

/** A column of a table, and where it is read into. */
export interface PlacedColumn {
  readonly column: AnyColumn;
  /** The position of its input; columns of the same one stand in it in their order. */
  readonly input: number;
  /** Whether objects and tables by columns may leave it out. */
  readonly isOptional: boolean;
}

export type TablePreprocessor = Preprocessor<
  typeof tabularBlock.parameters,
  Items | Promise<Items>
>;

/**
 * Rows of a table: one or a list, each an array in the order of the columns or an object by column name; a table by
 * columns; or a body of CSV.
 * @param inputs of the model that the columns are read into: [batch, columns], or [batch] for a single column
 */
export function createTablePreprocessor(
  inputs: readonly TensorSpec[],
  placed: readonly PlacedColumn[],
): TablePreprocessor {
  const columns = placed.map(({ column }) => column);
  const names = columns.map(({ name }) => name);
  const known = new Set(names);
  const optional = new Set(
    placed.flatMap(({ column, isOptional }) => (isOptional ? [column.name] : [])),
  );
  const isOptional = (name: string): boolean => optional.has(name);
  const width = columns.length;
  const maxRows = Math.floor(MAX_VALUES / width);
  const widths = inputs.map((_, input) => placed.filter((column) => column.input === input).length);
  const places = placed.map(({ input }, at) => ({
    input,
    width: widths[input] ?? 0,
    offset: placed.slice(0, at).filter((column) => column.input === input).length,
  }));
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

  const toRow = ({ value, path }: Item): readonly (number | bigint | string)[] => {
    if (value instanceof TextRow)
      return columns.map((column, index) => column.fromCell(value.cells[index], path));
    const cells = toCells(value, path);
    return columns.map((column, index) => column.fromJson(cells[index], path));
  };

  const toTextRows = (rows: readonly (readonly unknown[])[]): Items => ({
    items: rows.map((cells, index) => ({ value: new TextRow(cells), path: `row ${index + 1}` })),
    form: "list",
  });

  function* splitCsv({ bytes }: Media, options: CsvOptions): Generator<unknown, Items> {
    return toTextRows(yield* readCsv(bytes, names, isOptional, options));
  }

  function* toTensors(items: readonly Item[]): Generator<unknown, PreprocessedBatch> {
    const arrays = inputs.map(({ datatype }, input) =>
      createElements(datatype, items.length * (widths[input] ?? 0)),
    );
    let read = 0;
    for (const [row, item] of items.entries()) {
      const values = toRow(item);
      for (let index = 0; index < width; index++) {
        const place = places[index] as (typeof places)[number];
        // Columns return what the array of their datatype takes.
        (arrays[place.input] as unknown[])[row * place.width + place.offset] = values[index];
      }
      read += width;
      if (read < VALUES_PER_STEP) continue;
      read = 0;
      yield;
    }
    const tensors = inputs.map((spec, input) => {
      const shape = spec.shape.length === 1 ? [items.length] : [items.length, widths[input] ?? 0];
      return toTensor(spec, shape, arrays[input] as TypedArray | string[]);
    });
    return { tensors };
  }

  return {
    mediaTypes: tabularBlock.mediaTypes,
    parameters: tabularBlock.parameters,
    maxBatch: Math.min(...inputs.map(({ shape }) => rowsPerRun(shape[0], width))),
    split(table, options, checkpoint = yieldToEventLoop) {
      if (table instanceof Media) return runInSteps(splitCsv(table, options), checkpoint);
      // One of those that a table was split into.
      if (table instanceof TextRow)
        return { items: [{ value: table, path: "inputs" }], form: "one" };
      if (isTableOfColumns(table))
        return toTextRows(readColumns(table, names, isOptional, maxRows));
      const [first] = Array.isArray(table) ? table : [];
      const isList = typeof first === "object" && first !== null;
      if (!isList) return { items: [{ value: table, path: "inputs" }], form: "one" };
      return splitList(table, (count) => {
        if (count <= maxRows) return;
        throw new ApiError(
          "invalid_input",
          `inputs has ${count} rows: a request may have ${maxRows} at most.`,
          { details: { maxRows, actual: count } },
        );
      });
    },
    toTensors(items, { trace, checkpoint }) {
      return trace.measure("preprocess", () => runInSteps(toTensors(items), checkpoint));
    },
  };
}

function createElements(datatype: Datatype, length: number): TypedArray | string[] {
  if (datatype === "BYTES") return new Array<string>(length).fill("");
  return new NUMERIC_DATATYPES[datatype].array(length);
}

function toTensor(
  { name, datatype }: TensorSpec,
  shape: readonly number[],
  values: TypedArray | string[],
): Tensor {
  if (datatype === "BYTES") return { name, datatype, shape, data: values as string[] };
  return { name, datatype, shape, data: toBytes(values as TypedArray) };
}

import { ApiError } from "../../domain/errors.ts";
import { describe } from "../../domain/tensor-json.ts";
import { clipAll, quoteAll } from "../../shared/quote.ts";

/**
 * A table by columns, `{"width": [1, 2], "height": [3, 4]}`, as Hugging Face's tabular tasks have it, with or without
 * `{"data": ...}` around it.
 */
export type TableOfColumns = Readonly<Record<string, unknown>>;

/** Whether inputs are a table by columns. A row by column name has no arrays, and no object under `data`. */
export function isTableOfColumns(inputs: unknown): inputs is TableOfColumns {
  if (!isPlainObject(inputs)) return false;
  const { data } = inputs;
  return isPlainObject(data) || Object.values(inputs).some(Array.isArray);
}

/**
 * The rows of a table by columns, their cells in the order of `columns`; `undefined` in a column that is left out.
 * @param isOptional which columns may be left out
 * @throws ApiError `invalid_input`, `invalid_shape` that name the columns
 */
export function readColumns(
  inputs: TableOfColumns,
  columns: readonly string[],
  isOptional: (column: string) => boolean,
  maxRows: number,
): unknown[][] {
  const isWrapped = isPlainObject(inputs.data);
  const table = new Map(Object.entries(isWrapped ? (inputs.data as TableOfColumns) : inputs));
  const path = isWrapped ? "inputs.data" : "inputs";
  const beside = isWrapped ? Object.keys(inputs).filter((name) => name !== "data") : [];
  const known = new Set(columns);
  const unknown = [...beside, ...[...table.keys()].filter((name) => !known.has(name))];
  const missing = columns.filter((name) => !table.has(name) && !isOptional(name));
  if (unknown.length > 0 || missing.length > 0)
    throw new ApiError(
      "invalid_input",
      `${path} must have a list for each of the columns ${columns.join(", ")};${missing.length > 0 ? ` missing: ${missing.join(", ")};` : ""}${unknown.length > 0 ? ` unknown: ${quoteAll(unknown)};` : ""} and no others.`,
      { details: { expected: columns, missing, unknown: clipAll(unknown) } },
    );
  const lists = columns.map((name) => readList(table.get(name), path, name, table.has(name)));
  const first = lists.findIndex((list) => list !== undefined);
  const length = lists[first]?.length ?? 0;
  if (length === 0) throw new ApiError("invalid_input", `${path} has no row: send at least one.`);
  if (length > maxRows)
    throw new ApiError(
      "invalid_input",
      `${path} has ${length} rows: a request may have ${maxRows} at most.`,
      { details: { maxRows, actual: length } },
    );
  for (const [index, list] of lists.entries())
    if (list && list.length !== length)
      throw new ApiError(
        "invalid_shape",
        `${path} must have lists of the same length: column ${JSON.stringify(columns[first])} has ${length} values, column ${JSON.stringify(columns[index])} has ${list.length}.`,
        { details: { column: columns[index], expected: length, actual: list.length } },
      );
  return Array.from({ length }, (_, row) => lists.map((list) => list?.[row]));
}

function readList(
  value: unknown,
  path: string,
  column: string,
  isGiven: boolean,
): readonly unknown[] | undefined {
  if (!isGiven) return undefined;
  if (Array.isArray(value)) return value;
  throw new ApiError(
    "invalid_input",
    `${path}, column ${JSON.stringify(column)} must be a list of values, one for each row; got ${describe(value)}.`,
    { details: { column } },
  );
}

function isPlainObject(value: unknown): value is TableOfColumns {
  return Object.prototype.toString.call(value) === "[object Object]" && !Array.isArray(value);
}

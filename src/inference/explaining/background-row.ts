import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { Media } from "../../domain/media.ts";
import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { toCellData } from "../../explain/table/cell-data.ts";
import { isJsonNumber, toDouble } from "../../shared/json-number.ts";
import type { Item } from "../../tasks/preprocessor.ts";
import { TextRow } from "../../tasks/tabular/table-preprocessor.ts";

/**
 * An input as a value of JSON that the version's task takes again: cells of CSV become a list of numbers, names of categories and nulls.
 * @param tensors that the preprocessor has made of it
 * @throws ApiError `invalid_request` for an input that is no JSON; `invalid_input` for integers that a double does not hold
 */
export function toBackgroundRow(
  { value, path }: Item,
  { preprocess }: Pick<Manifest, "preprocess">,
  [tensor]: readonly Tensor[],
): unknown {
  if (value instanceof Media)
    throw new ApiError(
      "invalid_request",
      `${path} is ${value.type}: background rows are kept as JSON. Send them as {"inputs": [...]}.`,
    );
  if (value instanceof TextRow && preprocess?.type === "tabular" && tensor) {
    if (tensor.datatype === "BYTES") throw new Error("a table is of numbers, not of BYTES");
    const numbers = Float64Array.from(toTypedArray(tensor) as ArrayLike<number | bigint>, Number);
    return toCellData(value, preprocess, numbers);
  }
  return toPlainJson(value, path);
}

/** Without integers and numbers that only the parser of requests knows. */
function toPlainJson(value: unknown, path: string): unknown {
  if (Array.isArray(value)) return value.map((each) => toPlainJson(each, path));
  if (typeof value === "bigint")
    throw new ApiError(
      "invalid_input",
      `${path} has the integer ${value}: background rows have integers up to ${Number.MAX_SAFE_INTEGER}.`,
    );
  if (isJsonNumber(value)) {
    const double = toDouble(value);
    // Beyond all doubles: a missing value of a table.
    return typeof double === "number" ? double : null;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, toPlainJson(each, path)]),
  );
}

import { NUMERIC_DATATYPES, type NumericDatatype } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import { describe } from "../../domain/tensor-json.ts";
import {
  createJsonNumber,
  isJsonNumber,
  parseInteger,
  toDouble,
  toInteger,
} from "../../shared/json-number.ts";
import { isMissing, NUMBER } from "./missing-value.ts";

/** A column of a table, as a manifest declares it. */
export interface ColumnRule {
  readonly name: string;
  /** The values that a column of names may have; a value becomes its position here. */
  readonly categories?: readonly string[] | undefined;
  /** The number that a missing value becomes; when left out, a value is required. */
  readonly missing?: number | undefined;
}

/**
 * Turns cells into elements of a tensor that fit its datatype.
 * @typeParam V of the elements
 */
export interface Column<V = number | bigint> {
  readonly name: string;
  /** @throws ApiError `invalid_input`, `invalid_datatype`, `value_out_of_range` that name row and column */
  fromJson(value: unknown, path: string): V;
  /** As `fromJson`; a text may be a number as well, as CSV and Hugging Face's tables write it. */
  fromCell(cell: unknown, path: string): V;
}

export type AnyColumn = Column<number | bigint | string>;

const INTEGER = /^[+-]?\d{1,20}$/;
const MAX_LISTED = 20;

function isUnsafe(number: number): boolean {
  return Number.isInteger(number) && !Number.isSafeInteger(number);
}

export function createColumn(rule: ColumnRule, datatype: NumericDatatype): Column {
  const { name, categories, missing } = rule;
  const { kind, min, max } = NUMERIC_DATATYPES[datatype];
  const isExact = kind === "bigint";
  const indices =
    categories && new Map(categories.map((category, index) => [category, toElement(index)]));

  function toElement(value: number): number | bigint {
    return isExact ? BigInt(value) : value;
  }

  const at = (path: string): string => `${path}, column ${JSON.stringify(name)}`;

  const expected = (): string => {
    if (kind === "float") return "a number";
    return kind === "boolean" ? "true or false" : `an integer from ${min} to ${max}`;
  };

  const wrong = (value: unknown, path: string): ApiError => {
    const isNumber = typeof value === "number" || typeof value === "bigint" || isJsonNumber(value);
    const range = isNumber && kind === "float" ? ` from ${min} to ${max}` : "";
    return new ApiError(
      isNumber ? "value_out_of_range" : "invalid_datatype",
      `${at(path)} must be ${expected()}${range}; got ${describe(value)}.`,
      { details: { column: name, datatype } },
    );
  };

  const absent = (value: unknown, path: string): number | bigint => {
    if (missing !== undefined) return toElement(missing);
    throw new ApiError(
      "invalid_input",
      `${at(path)} must be ${expected()}; got ${describe(value)}, a missing value, for which the model's manifest has no rule in this column.`,
      { details: { column: name, datatype } },
    );
  };

  const toCategory = (
    names: ReadonlyMap<string, number | bigint>,
    value: unknown,
    path: string,
  ): number | bigint => {
    // An object may have a `toString` that cannot be called.
    const index = typeof value === "object" ? undefined : names.get(String(value));
    if (index !== undefined) return index;
    const valid = categories ?? [];
    const more = valid.length > MAX_LISTED ? ` and ${valid.length - MAX_LISTED} more` : "";
    throw new ApiError(
      "invalid_input",
      `${at(path)} must be one of ${valid.slice(0, MAX_LISTED).join(", ")}${more}; got ${describe(value)}.`,
      { details: { column: name, valid } },
    );
  };

  /** Whether the datatype can hold a number. */
  const fits = (value: unknown): value is number | bigint => {
    if (kind === "float")
      return typeof value === "number" && value >= (min as number) && value <= (max as number);
    const isWhole =
      typeof value === "bigint" ||
      (isExact ? Number.isSafeInteger(value) : Number.isInteger(value));
    return isWhole && (value as number) >= min && (value as number) <= max;
  };

  const toNumber = (value: unknown, path: string): number | bigint => {
    if (kind === "float") {
      // FP16 and FP32 round the bounds themselves to infinity.
      const double = toDouble(value);
      if (fits(double) && (datatype === "FP64" || (double !== min && double !== max)))
        return double;
      throw wrong(value, path);
    }
    const plain =
      kind === "boolean" && typeof value === "boolean" ? Number(value) : toInteger(value);
    const integer =
      isExact && typeof plain === "string" && INTEGER.test(plain) ? BigInt(plain) : plain;
    if (!fits(integer)) throw wrong(value, path);
    return isExact ? BigInt(integer) : integer;
  };

  const toValue = (cell: string): unknown => {
    if (isExact && INTEGER.test(cell)) return BigInt(cell.replace("+", ""));
    if (kind === "boolean" && /^(?:true|false)$/i.test(cell)) return cell.toLowerCase() === "true";
    if (!NUMBER.test(cell)) return cell;
    const number = Number(cell);
    // As in JSON: no integer is rounded, and a message quotes the cell.
    const isHeld = kind === "float" ? Number.isFinite(number) : parseInteger(cell) !== undefined;
    return isHeld && !isUnsafe(number) ? number : createJsonNumber(cell);
  };

  return {
    name,
    fromJson(value, path) {
      // A category may be spelled as a missing value is: the country code NA.
      const category = typeof value === "string" ? indices?.get(value) : undefined;
      if (category !== undefined) return category;
      if (isMissing(value) && (missing !== undefined || !indices)) return absent(value, path);
      return indices ? toCategory(indices, value, path) : toNumber(value, path);
    },
    fromCell(cell, path) {
      if (indices || typeof cell !== "string") return this.fromJson(cell, path);
      const value = toValue(cell);
      // What is a number needs no comparison with the spellings of missing values.
      const isNumber = typeof value !== "string" && Math.abs(Number(value)) !== Infinity;
      if (!isNumber && isMissing(cell)) return absent(cell, path);
      return toNumber(value, path);
    },
  };
}

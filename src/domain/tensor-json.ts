import { isJsonNumber, toDouble, toInteger } from "../shared/json-number.ts";
import { clip, quote } from "../shared/quote.ts";
import {
  type Datatype,
  NUMERIC_DATATYPES,
  type NumberArray,
  type NumericDatatype,
  type NumericDatatypeInfo,
  type TypedArray,
} from "./datatype.ts";
import { ApiError } from "./errors.ts";
import { elementCount, formatShape, type Tensor, toBytes, toTypedArray } from "./tensor.ts";

/**
 * Tensor data as JSON. No number changes: what a JSON number cannot represent is sent as a string ("NaN", "Infinity",
 * "-Infinity", integers beyond 2^53 - 1) or is refused.
 */

/**
 * Data as the Open Inference Protocol allows it: flat in row-major order, or nested by the shape.
 * @param shape checked by `parseShape`
 * @throws ApiError that names the input, the position in the data, what was expected and what was received
 */
export function fromJsonData(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  data: unknown,
): Tensor {
  const elements = elementCount(shape);
  if (!Array.isArray(data))
    throw new ApiError(
      "invalid_input",
      `Input "${name}": data must be an array of ${elements} elements, flat or nested as ${formatShape(shape)}; got ${describe(data)}.`,
    );
  const nested = data.length > 0 && Array.isArray(data[0]) && shape.length > 1;
  if (nested) checkNesting(name, shape, data, 0, "data");
  else if (data.length !== elements)
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": the shape ${formatShape(shape)} has ${elements} elements, but data has ${data.length}.`,
      { details: { input: name, expected: elements, actual: data.length } },
    );
  const flat: readonly unknown[] = nested ? data.flat(shape.length - 1) : data;
  if (datatype === "BYTES") return { name, datatype, shape, data: toStrings(name, flat) };
  return { name, datatype, shape, data: toBytes(toNumbers(name, datatype, flat)) };
}

/** The data as JSON text: a flat array in row-major order. */
export function toJsonData(tensor: Tensor): string {
  if (tensor.datatype === "BYTES") return JSON.stringify(tensor.data);
  const values = toTypedArray(tensor);
  const { kind } = NUMERIC_DATATYPES[tensor.datatype];
  if (kind === "boolean") return `[${Array.from(values as Uint8Array, (v) => v !== 0).join(",")}]`;
  if (kind === "float" && needsSpelling(values as NumberArray))
    return `[${Array.from(values as NumberArray, spellFloat).join(",")}]`;
  return `[${values.join(",")}]`;
}

/**
 * The shape of nested arrays, by their first elements: `[[1, 2], [3, 4]]` has `[2, 2]`.
 * @returns `undefined` when the nesting is deeper than `maxRank`
 */
export function nestedShape(data: unknown, maxRank: number): number[] | undefined {
  const shape: number[] = [];
  for (let level = data; Array.isArray(level); level = level[0]) {
    if (shape.length === maxRank) return undefined;
    shape.push(level.length);
  }
  return shape;
}

/** JSON has no number for NaN and the infinities, and JavaScript writes -0 as 0. */
function needsSpelling(values: NumberArray): boolean {
  for (const value of values) if (value - value !== 0 || Object.is(value, -0)) return true;
  return false;
}

function spellFloat(value: number): string {
  // Python reads -0 as the integer 0, which has no sign.
  if (Object.is(value, -0)) return "-0.0";
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}

/** Every array must have the length in the shape, so that no more is allocated than was sent. */
function checkNesting(
  name: string,
  shape: readonly number[],
  data: unknown,
  axis: number,
  path: string,
): void {
  const expected = shape[axis] ?? 0;
  if (!Array.isArray(data) || data.length !== expected)
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": ${path} must be an array of ${expected} elements for the shape ${formatShape(shape)}; got ${describe(data)}.`,
    );
  if (axis === shape.length - 1) {
    const index = data.findIndex(Array.isArray);
    if (index < 0) return;
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": ${path}[${index}] is nested deeper than the shape ${formatShape(shape)}.`,
    );
  }
  for (const [index, inner] of data.entries())
    checkNesting(name, shape, inner, axis + 1, `${path}[${index}]`);
}

function toStrings(name: string, data: readonly unknown[]): string[] {
  return data.map((value, index) => {
    if (typeof value !== "string") throw invalidElement(name, "BYTES", index, value, "a string");
    if (!value.isWellFormed())
      throw invalidElement(name, "BYTES", index, value, "text without lone surrogates");
    return value;
  });
}

function toNumbers(name: string, datatype: NumericDatatype, data: readonly unknown[]): TypedArray {
  const info = NUMERIC_DATATYPES[datatype];
  const values = new info.array(data.length);
  if (info.kind === "bigint") {
    const integers = values as BigInt64Array;
    for (let i = 0; i < data.length; i++)
      integers[i] = toBigInteger(name, datatype, info, i, data[i]);
    return values;
  }
  const numbers = values as NumberArray;
  const min = info.min as number;
  const max = info.max as number;
  if (info.kind === "float") {
    for (let i = 0; i < data.length; i++) {
      const value = data[i];
      // Rounding to FP16 or FP32 is what the datatype means; rounding to infinity is not.
      numbers[i] =
        typeof value === "number" && value > min && value < max
          ? value
          : toSpelledFloat(name, datatype, info, i, value);
    }
    return values;
  }
  for (let i = 0; i < data.length; i++) {
    const value = info.kind === "boolean" ? toBit(data[i]) : toInteger(data[i]);
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
      throw invalidElement(
        name,
        datatype,
        i,
        data[i],
        info.kind === "boolean" ? "true or false" : `an integer from ${min} to ${max}`,
      );
    numbers[i] = value as number;
  }
  return values;
}

function toBit(value: unknown): unknown {
  return typeof value === "boolean" ? Number(value) : value;
}

/** JSON has no numbers for these. */
const SPELLED_FLOATS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

function toSpelledFloat(
  name: string,
  datatype: Datatype,
  { min, max }: NumericDatatypeInfo,
  index: number,
  value: unknown,
): number {
  const spelled = SPELLED_FLOATS.get(value);
  if (spelled !== undefined) return spelled;
  // A long number is rounded like any other one.
  const double = toDouble(value);
  // The largest FP64 is itself a valid bound, which the quick check leaves out.
  const isValid =
    typeof double === "number" &&
    (datatype === "FP64" ? double >= min && double <= max : double > min && double < max);
  if (isValid) return double;
  throw invalidElement(
    name,
    datatype,
    index,
    value,
    `a number from ${min} to ${max}, or "NaN", "Infinity" or "-Infinity"`,
  );
}

function toBigInteger(
  name: string,
  datatype: Datatype,
  { min, max }: NumericDatatypeInfo,
  index: number,
  value: unknown,
): bigint {
  const integer = toInteger(value);
  const isExact =
    typeof integer === "bigint" ||
    Number.isSafeInteger(integer) ||
    (typeof integer === "string" && /^-?[0-9]{1,20}$/.test(integer));
  const exact = isExact ? BigInt(integer as bigint | number | string) : undefined;
  if (exact !== undefined && exact >= min && exact <= max) return exact;
  throw invalidElement(
    name,
    datatype,
    index,
    value,
    isUnsafe(value)
      ? `an integer from ${min} to ${max}, as a string or a bigint when a number does not hold it exactly`
      : `an integer from ${min} to ${max}`,
  );
}

/** An integer that may have been rounded; none of a request is, see `shared/exact-json.ts`. */
function isUnsafe(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

function invalidElement(
  name: string,
  datatype: Datatype,
  index: number,
  value: unknown,
  expected: string,
): ApiError {
  const isRange = typeof value === "number" || typeof value === "bigint" || isJsonNumber(value);
  return new ApiError(
    isRange ? "value_out_of_range" : "invalid_datatype",
    `Input "${name}": element ${index} of its ${datatype} data must be ${expected}; got ${describe(value)}.`,
    { details: { input: name, datatype, index } },
  );
}

/** A value for an error message, cut to a readable length. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  // String(-0) is 0.
  if (Object.is(value, -0)) return "-0";
  return typeof value === "string" ? quote(value) : clip(String(value));
}

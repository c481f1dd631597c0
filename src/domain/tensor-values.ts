import type { Datatype, NumericDatatype } from "./datatype.ts";
import { ApiError } from "./errors.ts";
import { MAX_RANK } from "./shape.ts";
import { elementCount, formatShape, type NumericTensor, toBytes } from "./tensor.ts";
import { nestedShape } from "./tensor-json.ts";

/** Tensors as programs hold them: typed arrays, and arrays of values. */

export type NumberView = ArrayBufferView & ArrayLike<number | bigint>;

/** By their tags, because an array may be of another realm, such as a frame or a test's. */
const DATATYPE_OF_ARRAY: Readonly<Record<string, NumericDatatype>> = {
  Uint8Array: "UINT8",
  Uint8ClampedArray: "UINT8",
  Uint16Array: "UINT16",
  Uint32Array: "UINT32",
  BigUint64Array: "UINT64",
  Int8Array: "INT8",
  Int16Array: "INT16",
  Int32Array: "INT32",
  BigInt64Array: "INT64",
  Float16Array: "FP16",
  Float32Array: "FP32",
  Float64Array: "FP64",
};

export function arrayName(data: ArrayBufferView): string {
  return Object.prototype.toString.call(data).slice("[object ".length, -1);
}

/** The datatype that a typed array has; `undefined` for a `DataView`. */
export function datatypeOf(data: ArrayBufferView): NumericDatatype | undefined {
  return DATATYPE_OF_ARRAY[arrayName(data)];
}

/** Whether the array's bytes are already those of the datatype. */
export function isStoredAs(datatype: Datatype, data: ArrayBufferView): datatype is NumericDatatype {
  const stored = datatypeOf(data);
  return stored === datatype || (stored === "UINT8" && datatype === "BOOL");
}

/**
 * The shape of data that comes without one: that of its nesting, or its length.
 * @throws ApiError `invalid_shape`
 */
export function valueShape(name: string, data: NumberView | readonly unknown[]): number[] {
  if (ArrayBuffer.isView(data)) return [data.length];
  const shape = nestedShape(data, MAX_RANK);
  if (shape) return shape;
  throw new ApiError(
    "invalid_shape",
    `Input "${name}": data is nested deeper than ${MAX_RANK} dimensions.`,
  );
}

/**
 * The tensor of an array that {@link isStoredAs} the datatype; its bytes are not copied.
 * @throws ApiError `invalid_shape`, `value_out_of_range`
 */
export function fromTypedArray(
  name: string,
  datatype: NumericDatatype,
  shape: readonly number[],
  data: NumberView,
): NumericTensor {
  const expected = elementCount(shape);
  if (data.length !== expected)
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": the shape ${formatShape(shape)} has ${expected} elements, but data has ${data.length}.`,
      { details: { input: name, expected, actual: data.length } },
    );
  const index = datatype === "BOOL" ? Array.prototype.findIndex.call(data, (bit) => bit > 1) : -1;
  if (index >= 0)
    throw new ApiError(
      "value_out_of_range",
      `Input "${name}": element ${index} of its BOOL data must be 0 or 1; got ${data[index]}.`,
    );
  return { name, datatype, shape, data: toBytes(data) };
}

import type { Datatype, NumericDatatype, TypedArray } from "./datatype.ts";
import { NUMERIC_DATATYPES } from "./datatype.ts";

/**
 * A tensor as it is passed between a protocol and the runtime. Numbers are little-endian bytes in
 * row-major order, so that a binary body reaches the wasm heap with one copy and needs no alignment.
 */
export type Tensor = NumericTensor | BytesTensor;

export interface NumericTensor {
  readonly name: string;
  readonly datatype: NumericDatatype;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** `BYTES`: strings, because ONNX's string tensors hold UTF-8 text. */
export interface BytesTensor {
  readonly name: string;
  readonly datatype: "BYTES";
  readonly shape: readonly number[];
  readonly data: readonly string[];
}

/** A dimension as a model declares it: a size, a symbolic name, or -1 for an unnamed dynamic one. */
export type Dimension = number | string;

/** What a model declares of one input or output. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly Dimension[];
  /** Whether an input may be left out, because the model has a default for it. */
  readonly optional?: boolean | undefined;
}

/** The number of elements of a shape; 1 for a scalar, `Infinity`-safe only below 2^53. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) count *= dimension;
  return count;
}

/** A typed view of a numeric tensor's bytes, copied only if they are not aligned for it. */
export function toTypedArray(tensor: NumericTensor): TypedArray {
  const { array, elementBytes } = NUMERIC_DATATYPES[tensor.datatype];
  const { data } = tensor;
  const length = data.byteLength / elementBytes;
  if (data.byteOffset % elementBytes === 0) return new array(data.buffer, data.byteOffset, length);
  const copy = data.slice();
  return new array(copy.buffer, 0, length);
}

/** The bytes of a typed array, not copied. */
export function toBytes(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A human-readable shape: `[batch, 4]`, with `?` for an unnamed dynamic dimension. */
export function formatShape(shape: readonly Dimension[]): string {
  return `[${shape.map((dimension) => (dimension === -1 ? "?" : dimension)).join(", ")}]`;
}

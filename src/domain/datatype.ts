/**
 * Tensor datatypes by their names in the Open Inference Protocol v2 ("Tensor Data Types"), with
 * the properties of each: its number in ONNX (`TensorProto.DataType`), its size, its range, and the
 * typed array that views its bytes.
 */

export const DATATYPES = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
] as const;

export type Datatype = (typeof DATATYPES)[number];
/** A datatype whose elements have a fixed size: every one but `BYTES`. */
export type NumericDatatype = Exclude<Datatype, "BYTES">;

export type NumberArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float16Array
  | Float32Array
  | Float64Array;
export type TypedArray = NumberArray | BigInt64Array | BigUint64Array;

/** The JSON type of a datatype's elements. */
export type ElementKind = "boolean" | "integer" | "bigint" | "float";

type TypedArrayOf<A extends TypedArray> = {
  new (length: number): A;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
};

export interface NumericDatatypeInfo {
  readonly onnx: number;
  readonly elementBytes: number;
  readonly kind: ElementKind;
  /** Inclusive bounds. For floats the largest finite magnitude; `FP16` and `FP32` round into it. */
  readonly min: number | bigint;
  readonly max: number | bigint;
  readonly array: TypedArrayOf<TypedArray>;
}

const numeric = (
  onnx: number,
  elementBytes: number,
  kind: ElementKind,
  min: number | bigint,
  max: number | bigint,
  array: unknown,
): NumericDatatypeInfo => ({
  onnx,
  elementBytes,
  kind,
  min,
  max,
  array: array as TypedArrayOf<TypedArray>,
});

/** A float beyond half a unit in the last place over the largest finite one rounds to infinity. */
const FP16_LIMIT = 65_520;
const FP32_LIMIT = 2 ** 128 - 2 ** 103;

export const NUMERIC_DATATYPES: Readonly<Record<NumericDatatype, NumericDatatypeInfo>> = {
  BOOL: numeric(9, 1, "boolean", 0, 1, Uint8Array),
  UINT8: numeric(2, 1, "integer", 0, 255, Uint8Array),
  UINT16: numeric(4, 2, "integer", 0, 65_535, Uint16Array),
  UINT32: numeric(12, 4, "integer", 0, 4_294_967_295, Uint32Array),
  UINT64: numeric(13, 8, "bigint", 0n, 18_446_744_073_709_551_615n, BigUint64Array),
  INT8: numeric(3, 1, "integer", -128, 127, Int8Array),
  INT16: numeric(5, 2, "integer", -32_768, 32_767, Int16Array),
  INT32: numeric(6, 4, "integer", -2_147_483_648, 2_147_483_647, Int32Array),
  INT64: numeric(
    7,
    8,
    "bigint",
    -9_223_372_036_854_775_808n,
    9_223_372_036_854_775_807n,
    BigInt64Array,
  ),
  FP16: numeric(10, 2, "float", -FP16_LIMIT, FP16_LIMIT, globalThis.Float16Array),
  FP32: numeric(1, 4, "float", -FP32_LIMIT, FP32_LIMIT, Float32Array),
  FP64: numeric(11, 8, "float", -Number.MAX_VALUE, Number.MAX_VALUE, Float64Array),
};

/** ONNX's number for strings, which the protocol calls `BYTES`. */
export const ONNX_STRING = 8;

const BY_ONNX_NUMBER = new Map<number, Datatype>([
  [ONNX_STRING, "BYTES"],
  ...Object.entries(NUMERIC_DATATYPES).map(
    ([name, info]) => [info.onnx, name as Datatype] as const,
  ),
]);

/** The datatype of an ONNX element type, or `undefined` for one that the protocol does not have. */
export function fromOnnxElementType(elementType: number): Datatype | undefined {
  return BY_ONNX_NUMBER.get(elementType);
}

export function toOnnxElementType(datatype: Datatype): number {
  return datatype === "BYTES" ? ONNX_STRING : NUMERIC_DATATYPES[datatype].onnx;
}

export function isDatatype(value: unknown): value is Datatype {
  return (DATATYPES as readonly unknown[]).includes(value);
}

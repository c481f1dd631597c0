/**
 * Tensors as a program holds them. This file imports nothing, so that the published types are self-contained;
 * the datatypes are those of the Open Inference Protocol v2.
 */

/** Where the engine has no `Float16Array`, halves are widened to `Float32Array`, which is exact. */
export type HalfArray = typeof globalThis extends {
  Float16Array: { readonly prototype: infer HalfFloats };
}
  ? HalfFloats | Float32Array
  : Float32Array;

/** The array type of an output, by datatype; in row-major order. */
export interface DataByDatatype {
  /** 0 and 1. */
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: HalfArray;
  FP32: Float32Array;
  FP64: Float64Array;
  BYTES: string[];
}

export type Datatype = keyof DataByDatatype;

/** A tensor of a response; its `datatype` determines which array `data` is. */
export type OutputTensor<D extends Datatype = Datatype> = {
  [K in D]: {
    readonly name: string;
    readonly datatype: K;
    readonly shape: readonly number[];
    readonly data: DataByDatatype[K];
  };
}[D];

export type Scalar = number | bigint | boolean | string;

/** Flat in row-major order, or nested by the shape. */
export type TensorData =
  | DataByDatatype[Datatype]
  | Uint8ClampedArray
  | readonly Scalar[]
  | readonly NestedData[];

export type NestedData = readonly Scalar[] | readonly NestedData[];

export interface InputValue {
  readonly data: TensorData;
  /** By default the nesting of `data`, or its length. */
  readonly shape?: readonly number[] | undefined;
  /**
   * By default that of the typed array; `BOOL` for booleans and `BYTES` for strings. Required for
   * plain numbers and bigints.
   */
  readonly datatype?: Datatype | undefined;
}

export interface InputTensor extends InputValue {
  readonly name: string;
}

/** A list, or an object by the inputs' names. */
export type InferInputs =
  | readonly InputTensor[]
  | Readonly<Record<string, TensorData | InputValue>>;

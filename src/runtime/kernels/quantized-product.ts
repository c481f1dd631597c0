import type { OrtInstance } from "../ort-instance.ts";

/** `MlasGemmQuantOperation(shape, data, firstRow, rows, firstColumn, columns)`. */
export type QuantizedOperation = (
  shape: number,
  data: number,
  firstRow: number,
  rows: number,
  firstColumn: number,
  columns: number,
) => void;

/** How many parameters that function has. */
export const OPERATION_PARAMETERS = 6;

/** A product of a matrix of shape [rows, depth] and one of shape [depth, columns], less their zero points. */
export interface QuantizedProduct {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly zeroA: number;
  /** One for all columns, or one for each. */
  readonly zeroB: Uint8Array;
  readonly aIsSigned: boolean;
  readonly bIsSigned: boolean;
  /** What the product is added to; without it to nothing. */
  readonly c?: Int32Array;
}

const SHAPE_BYTES = 16;
const DATA_BYTES = 40;
const INT32_BYTES = 4;

/** Where a product lies in the heap. */
export interface PlacedProduct {
  readonly shape: number;
  readonly data: number;
  readonly b: number;
  read(): Int32Array;
  free(): void;
}

/**
 * Writes a product with the two structures that describe it, as the pinned build of the engine has them
 * (`MLAS_GEMM_QUANT_SHAPE_PARAMS` and `MLAS_GEMM_QUANT_DATA_PARAMS` of ONNX Runtime's mlas.h, wasm32).
 */
export function placeProduct(instance: OrtInstance, product: QuantizedProduct): PlacedProduct {
  const { rows, columns, depth, a, b, zeroA, zeroB, aIsSigned, bIsSigned, c } = product;
  const outputBytes = rows * columns * INT32_BYTES;
  const block = instance.allocate(
    SHAPE_BYTES + DATA_BYTES + outputBytes + a.byteLength + b.byteLength + zeroB.byteLength,
  );
  const shape = block;
  const data = shape + SHAPE_BYTES;
  const output = data + DATA_BYTES;
  const addressOfA = output + outputBytes;
  const addressOfB = addressOfA + a.byteLength;
  const addressOfZeroB = addressOfB + b.byteLength;
  const { heap, view } = instance;
  heap.fill(0, block, output + outputBytes);
  heap.set(a, addressOfA);
  heap.set(b, addressOfB);
  heap.set(zeroB, addressOfZeroB);
  for (const [index, value] of (c ?? []).entries())
    view.setInt32(output + index * INT32_BYTES, value, true);
  const sizes = [rows, columns, depth];
  for (const [index, size] of sizes.entries())
    view.setUint32(shape + index * INT32_BYTES, size, true);
  heap.set([aIsSigned, bIsSigned, c !== undefined].map(Number), shape + 12);
  const fields = [
    addressOfA,
    depth,
    zeroA,
    addressOfB,
    columns,
    addressOfZeroB,
    0,
    output,
    columns,
  ];
  for (const [index, field] of fields.entries())
    view.setUint32(data + index * INT32_BYTES, field, true);
  heap[data + 25] = Number(zeroB.length > 1);
  return {
    shape,
    data,
    b: addressOfB,
    read: () =>
      new Int32Array(instance.heap.slice(output, output + outputBytes).buffer, 0, rows * columns),
    free: () => instance.module._free(block),
  };
}

/** Computes a product by a function of the engine's form; [rows, columns], row by row. */
export function computeProduct(
  instance: OrtInstance,
  operation: QuantizedOperation,
  product: QuantizedProduct,
): Int32Array {
  const placed = placeProduct(instance, product);
  try {
    operation(placed.shape, placed.data, 0, product.rows, 0, product.columns);
    return placed.read();
  } finally {
    placed.free();
  }
}

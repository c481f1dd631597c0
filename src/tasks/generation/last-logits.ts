import { type NumericTensor, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import type { TensorHandle } from "../../domain/tensor-handle.ts";
import { outputMismatch } from "../output-errors.ts";

/** The logits of the last token of a run, which alone are copied. */
export function toLastLogits(result: Tensor | TensorHandle | undefined): Float32Array {
  if (result?.datatype !== "FP32") throw outputMismatch(undefined, "logits of FP32");
  const vocabulary = result.shape.at(-1) ?? 0;
  const rows = result.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (rows < 1 || vocabulary < 1) throw new Error(`logits of shape ${result.shape}`);
  if ("data" in result) {
    const values = toTypedArray(result as NumericTensor) as Float32Array;
    return values.subarray((rows - 1) * vocabulary);
  }
  const handle = result as TensorHandle;
  try {
    const data = handle.readElements((rows - 1) * vocabulary, vocabulary);
    return new Float32Array(data.buffer, data.byteOffset, vocabulary);
  } finally {
    handle.dispose();
  }
}

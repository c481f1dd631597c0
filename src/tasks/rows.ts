import { type Tensor, toTypedArray } from "../domain/tensor.ts";
import { notFinite, outputMismatch } from "./output-errors.ts";

/**
 * The rows of an output of shape [batch] or [batch, columns].
 * @param columns how many there must be; any number when left out
 * @throws ApiError `task_not_supported` for another shape, `inference_failed` when a number is NaN or infinite
 */
export function toRows(result: Tensor | undefined, columns?: number): number[][] {
  const [batch = 0, width = 1] = result?.shape ?? [];
  const rank = result?.shape.length ?? 0;
  const fits = rank === 1 || rank === 2;
  if (!result || result.datatype === "BYTES" || !fits || width !== (columns ?? width))
    throw outputMismatch(result, `numbers of shape [batch, ${columns ?? "columns"}]`);
  const values = Array.from(toTypedArray(result), Number);
  if (!values.every(Number.isFinite)) throw notFinite(result.name);
  return Array.from({ length: batch }, (_, row) => values.slice(row * width, (row + 1) * width));
}

import { type NumericTensor, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";

/** How the frames of a window become one row. */
export type FramePooling = "mean" | "first" | "none";

/**
 * A row of numbers for each window of a run.
 * @param windows of the run; of a model without a batch 1, whose output has frames or none
 * @param hasBatch whether the model's input has a batch
 * @throws ApiError `task_not_supported` for another shape, `inference_failed` when a number is NaN or infinite
 */
export function rowsOfWindows(
  result: Tensor | undefined,
  windows: number,
  hasBatch: boolean,
  pooling: FramePooling,
): Float64Array[] {
  const shape = result?.shape ?? [];
  const width = shape.at(-1) ?? 0;
  const inner = hasBatch ? shape.slice(1, -1) : shape.slice(0, -1);
  const frames = inner[0] ?? 1;
  const fits =
    result?.datatype === "FP32" &&
    width > 0 &&
    frames > 0 &&
    inner.length <= 1 &&
    (inner.length === 0 || pooling !== "none") &&
    (!hasBatch || (shape.length >= 2 && (shape[0] ?? 0) >= windows));
  if (!fits) throw outputMismatch(result, expected(windows, hasBatch, pooling));
  const values = toTypedArray(result as NumericTensor) as Float32Array;
  const counted = pooling === "mean" ? frames : 1;
  return Array.from({ length: windows }, (_, window) => {
    const row = new Float64Array(width);
    for (let frame = 0; frame < counted; frame++) {
      const start = (window * frames + frame) * width;
      for (let at = 0; at < width; at++)
        row[at] = (row[at] as number) + (values[start + at] as number) / counted;
    }
    if (!row.every(Number.isFinite)) throw notFinite(result?.name ?? "");
    return row;
  });
}

function expected(windows: number, hasBatch: boolean, pooling: FramePooling): string {
  const frames = pooling === "none" ? "" : " or with frames before the last dimension";
  return hasBatch
    ? `FP32 numbers of shape [${windows}, numbers]${frames}`
    : `FP32 numbers of shape [numbers]${frames}`;
}

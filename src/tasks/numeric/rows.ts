import { ApiError } from "../../domain/errors.ts";
import { formatShape, type Tensor, toTypedArray } from "../../domain/tensor.ts";

/**
 * The rows of a result of shape [batch] or [batch, columns].
 * @throws ApiError `inference_failed` when a number is NaN or infinite, which no answer can carry
 */
export function toRows(result: Tensor | undefined): number[][] {
  if (!result) throw new Error("the model gave no such output");
  const { name, datatype, shape } = result;
  if (datatype === "BYTES" || shape.length === 0 || shape.length > 2)
    throw new Error(`output "${name}" is ${datatype} ${formatShape(shape)}, not rows of numbers`);
  const [batch = 0, columns = 1] = shape;
  const values = Array.from(toTypedArray(result), Number);
  if (!values.every(Number.isFinite))
    throw new ApiError(
      "inference_failed",
      `The model answered with NaN or infinity in output "${name}": the input is outside what it can compute.`,
    );
  return Array.from({ length: batch }, (_, row) =>
    values.slice(row * columns, (row + 1) * columns),
  );
}

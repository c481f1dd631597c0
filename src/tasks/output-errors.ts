import { ApiError } from "../domain/errors.ts";
import { formatShape, type Tensor } from "../domain/tensor.ts";

/**
 * The error for an output that does not fit the postprocess block. A manifest whose declared shapes contradict its
 * block is refused; this one left the shape open.
 * @param expected what the block needs, such as `[batch, 3], a score for each label`
 */
export function outputMismatch(result: Tensor | undefined, expected: string): ApiError {
  const actual = result
    ? `"${result.name}" is ${result.datatype} ${formatShape(result.shape)}`
    : "is missing";
  return new ApiError(
    "task_not_supported",
    `The model's output ${actual}, but its task needs ${expected}: the manifest does not fit the model.`,
  );
}

/** The error for numbers that JSON cannot represent. */
export function notFinite(output: string): ApiError {
  return new ApiError(
    "inference_failed",
    `The model returned NaN or infinity in output "${output}": the input is outside what it can compute.`,
  );
}

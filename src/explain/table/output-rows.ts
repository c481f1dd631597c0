import { elementCount, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { notFinite, outputMismatch } from "../../tasks/output-errors.ts";

/** The numbers of a run, row by row. */
export interface OutputRows {
  /** Of each row. */
  readonly width: number;
  readonly values: Float64Array;
}

/** @throws ApiError `inference_failed` for NaN and infinity, `task_not_supported` for an output that has no numbers of rows */
export function readNumbers(result: Tensor | undefined): OutputRows {
  const [rows, ...ofRow] = result?.shape ?? [];
  if (!result || result.datatype === "BYTES" || rows === undefined)
    throw outputMismatch(result, "numbers of shape [batch, ...]");
  const typed = toTypedArray(result);
  const values =
    typeof typed[0] === "bigint"
      ? Float64Array.from(typed as ArrayLike<number | bigint>, Number)
      : new Float64Array(typed as ArrayLike<number>);
  for (let at = 0; at < values.length; at++)
    // Infinity and NaN are not 0 when multiplied by 0.
    if ((values[at] as number) * 0 !== 0) throw notFinite(result.name);
  return { width: elementCount(ofRow), values };
}

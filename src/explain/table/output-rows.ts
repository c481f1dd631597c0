import type { TypedArray } from "../../domain/datatype.ts";
import { elementCount, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { notFinite, outputMismatch } from "../../tasks/output-errors.ts";

/** The numbers of a run, row by row. */
export interface OutputRows {
  /** Of each row. */
  readonly width: number;
  readonly values: Float64Array;
}

/** Memory of outputs that are read run by run: the numbers of a run are there until the next one is read. */
export class OutputMemory {
  readonly #numbers = { output: new Float64Array(), scores: new Float64Array() };

  /** @param use for what the numbers are */
  take(use: "output" | "scores", length: number): Float64Array {
    if (this.#numbers[use].length < length) this.#numbers[use] = new Float64Array(length);
    const numbers = this.#numbers[use];
    return numbers.length === length ? numbers : numbers.subarray(0, length);
  }
}

/**
 * @param memory where the numbers are written; new memory when left out
 * @throws ApiError `inference_failed` for NaN and infinity, `task_not_supported` for an output that has no numbers of rows
 */
export function readNumbers(
  result: Tensor | undefined,
  memory: OutputMemory = new OutputMemory(),
): OutputRows {
  const [rows, ...ofRow] = result?.shape ?? [];
  if (!result || result.datatype === "BYTES" || rows === undefined)
    throw outputMismatch(result, "numbers of shape [batch, ...]");
  const typed = toTypedArray(result);
  const values = memory.take("output", typed.length);
  writeDoubles(result.name, typed, values);
  return { width: elementCount(ofRow), values };
}

/** In loops of their own for the usual datatype: explanations read millions of rows. */
function writeDoubles(name: string, typed: TypedArray, doubles: Float64Array): void {
  if (typed instanceof Float32Array)
    for (let at = 0; at < doubles.length; at++) doubles[at] = typed[at] as number;
  else for (let at = 0; at < doubles.length; at++) doubles[at] = Number(typed[at]);
  let sum = 0;
  // Infinity and NaN are not 0 when multiplied by 0.
  for (let at = 0; at < doubles.length; at++) sum += (doubles[at] as number) * 0;
  if (sum !== 0) throw notFinite(name);
}

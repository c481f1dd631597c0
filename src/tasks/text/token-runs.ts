import { type Tensor, type TensorSpec, toBytes } from "../../domain/tensor.ts";

/** Which texts run together, and their tensors. */

/** Texts of a run. */
const MAX_RUN_TEXTS = 32;
/**
 * Tokens of a run, padding included; a longer text runs alone. A run cannot be interrupted, so other requests wait for
 * it: 256 tokens of MiniLM take about 0.1 s, as its longest text does, and runs of 512 were faster by a tenth at most
 * (measured). The heap that a run needs grows with them, too.
 */
const MAX_RUN_TOKENS = 256;

/** How many texts one run takes: the first dimension of the model's input, where it is fixed. */
export function maxTextsOf({ shape: [batch] }: TensorSpec): number {
  return typeof batch === "number" && batch > 0 ? batch : MAX_RUN_TEXTS;
}

/**
 * Runs of texts of similar length, within the limits of a run; the shortest first.
 * @param isFirstAlone whether the first text has a run of its own, before the others
 */
export function groupByLength(
  lengths: readonly number[],
  maxTexts: number,
  isFirstAlone = false,
): number[][] {
  const runs: number[][] = isFirstAlone ? [[0]] : [];
  let run: number[] = [];
  const byLength = lengths
    .map((_, index) => index)
    .slice(runs.length)
    .sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0));
  for (const index of byLength) {
    const length = lengths[index] ?? 0;
    const full = run.length === maxTexts || (run.length + 1) * length > MAX_RUN_TOKENS;
    if (full && run.length > 0) {
      runs.push(run);
      run = [];
    }
    run.push(index);
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

/** Rows of ids as a tensor, padded on the right. */
export function toTokenTensor(
  spec: TensorSpec,
  rows: readonly (readonly number[])[],
  width: number,
  padding: number,
): Tensor {
  const { name, datatype } = spec;
  const shape = [rows.length, width];
  const fill = <T extends BigInt64Array | Int32Array>(
    values: T,
    convert: (value: number) => T[number],
  ): T => {
    for (const [row, own] of rows.entries())
      for (let column = 0; column < width; column++)
        values[row * width + column] = convert(own[column] ?? padding);
    return values;
  };
  const size = rows.length * width;
  if (datatype === "INT64")
    return { name, datatype, shape, data: toBytes(fill(new BigInt64Array(size), BigInt)) };
  if (datatype === "INT32")
    return { name, datatype, shape, data: toBytes(fill(new Int32Array(size), Number)) };
  throw new Error(`token ids are INT64 or INT32, not ${datatype}`);
}

import type { Call } from "../../domain/call.ts";

/** Multiplications between two checkpoints: some milliseconds. */
const STEP = 4_000_000;

/** The lower triangle L of a symmetric positive definite matrix A = L L', row by row in place of A's. */
export interface Factor {
  readonly size: number;
  readonly lower: Float64Array;
}

/**
 * Factorizes a symmetric matrix, of which the lower triangle is read and overwritten. A pivot that has vanished in rounding, of a column
 * that depends on others, is made so large that its solution is 0.
 * Source: Golub and Van Loan, Matrix Computations, algorithm 4.2.1.
 * @param matrix `size` times `size`
 */
export async function factorize(
  matrix: Float64Array,
  size: number,
  checkpoint: Call["checkpoint"],
): Promise<Factor> {
  let largest = 0;
  for (let at = 0; at < size; at++) largest = Math.max(largest, matrix[at * size + at] as number);
  const least = largest * size * Number.EPSILON;
  let work = 0;
  for (let row = 0; row < size; row++) {
    const start = row * size;
    for (let column = 0; column <= row; column++) {
      const other = column * size;
      let sum = matrix[start + column] as number;
      for (let at = 0; at < column; at++)
        sum -= (matrix[start + at] as number) * (matrix[other + at] as number);
      if (column < row) matrix[start + column] = sum / (matrix[other + column] as number);
      else matrix[start + row] = sum > least ? Math.sqrt(sum) : Number.MAX_VALUE;
      work += column;
    }
    if (work < STEP) continue;
    work = 0;
    await checkpoint();
  }
  return { size, lower: matrix };
}

/** Solves A x = b, in place of b. */
export function solve({ size, lower }: Factor, b: Float64Array): void {
  for (let row = 0; row < size; row++) {
    let sum = b[row] as number;
    for (let at = 0; at < row; at++) sum -= (lower[row * size + at] as number) * (b[at] as number);
    b[row] = sum / (lower[row * size + row] as number);
  }
  for (let row = size - 1; row >= 0; row--) {
    let sum = b[row] as number;
    for (let at = row + 1; at < size; at++)
      sum -= (lower[at * size + row] as number) * (b[at] as number);
    b[row] = sum / (lower[row * size + row] as number);
  }
}

import type { Call } from "../../domain/call.ts";
import { factorize, solve } from "./cholesky.ts";

/** Rows that a linear model is fitted to. */
export interface WeightedRows {
  readonly columns: number;
  readonly targets: number;
  /** Row by row: `rows` times `columns`. */
  readonly x: Float64Array;
  /** Row by row: `rows` times `targets`. */
  readonly y: Float64Array;
  /** By row; of one that was drawn several times their sum. */
  readonly weights: Float64Array;
  /** How often each row was drawn; 0 for one that is always there, which adds no error. */
  readonly draws: ArrayLike<number>;
}

export interface Fit {
  /** Column by column: `columns` times `targets`. */
  readonly coefficients: Float64Array;
  /** In the order of `coefficients`: the errors of having drawn these rows and no others. */
  readonly standardErrors: Float64Array;
  /** By target: the error of the sum of the coefficients. */
  readonly sumErrors: Float64Array;
}

/** Numbers of the rows of one regression, for the sake of memory: 8 MB. */
export const MAX_ROW_NUMBERS = 1_000_000;

/** Multiplications between two checkpoints: some milliseconds. */
const STEP = 4_000_000;
const ROWS_PER_STEP = 4096;

/**
 * Ridge regression without an intercept by the normal equations, with the standard errors that leaving out each draw would cause.
 * Source of the errors: MacKinnon and White, Some heteroskedasticity-consistent covariance matrix estimators (HC3), Journal of
 * Econometrics 1985.
 * @param ridge what is added to the diagonal
 */
export async function fitWeighted(
  rows: WeightedRows,
  ridge: number,
  checkpoint: Call["checkpoint"],
): Promise<Fit> {
  const { columns, targets, x, y, weights, draws } = rows;
  const count = weights.length;
  const matrix = new Float64Array(columns * columns);
  const right = Array.from({ length: targets }, () => new Float64Array(columns));
  const perStep = Math.floor(STEP / (columns * (columns + targets) + 1));
  const every = Math.min(Math.max(1, perStep), ROWS_PER_STEP);
  for (let row = 0; row < count; row++) {
    const start = row * columns;
    for (let i = 0; i < columns; i++) {
      const weighted = (weights[row] as number) * (x[start + i] as number);
      if (weighted === 0) continue;
      for (let j = 0; j <= i; j++)
        (matrix[i * columns + j] as number) += weighted * (x[start + j] as number);
      for (let target = 0; target < targets; target++)
        ((right[target] as Float64Array)[i] as number) +=
          weighted * (y[row * targets + target] as number);
    }
    if (row % every === every - 1) await checkpoint();
  }
  for (let i = 0; i < columns; i++) (matrix[i * columns + i] as number) += ridge;
  const factor = await factorize(matrix, columns, checkpoint);
  const coefficients = new Float64Array(columns * targets);
  for (const [target, solution] of right.entries()) {
    solve(factor, solution);
    for (let i = 0; i < columns; i++) coefficients[i * targets + target] = solution[i] as number;
  }

  // A row more for the sum of the coefficients.
  const sums = new Float64Array((columns + 1) * targets);
  const squares = new Float64Array((columns + 1) * targets);
  let drawn = 0;
  const influence = new Float64Array(columns + 1);
  for (let row = 0; row < count; row++) {
    const times = draws[row] ?? 0;
    if (times === 0) continue;
    drawn += times;
    const own = x.subarray(row * columns, (row + 1) * columns);
    influence.set(own);
    solve(factor, influence);
    const weight = (weights[row] as number) / times;
    let leverage = 0;
    influence[columns] = 0;
    for (let i = 0; i < columns; i++) {
      leverage += weight * (own[i] as number) * (influence[i] as number);
      (influence[columns] as number) += influence[i] as number;
    }
    const scale = weight / Math.max(1 - leverage, LEAST_REST);
    for (let target = 0; target < targets; target++) {
      let residual = y[row * targets + target] as number;
      for (let i = 0; i < columns; i++)
        residual -= (own[i] as number) * (coefficients[i * targets + target] as number);
      for (let i = 0; i <= columns; i++) {
        const change = scale * residual * (influence[i] as number);
        (sums[i * targets + target] as number) += times * change;
        (squares[i * targets + target] as number) += times * change * change;
      }
    }
    if (row % every === every - 1) await checkpoint();
  }
  const errors = squares.map((square, at) => {
    if (drawn < 2) return 0;
    const variance = square - (sums[at] as number) ** 2 / drawn;
    return Math.sqrt((Math.max(variance, 0) * drawn) / (drawn - 1));
  });
  const end = columns * targets;
  return { coefficients, standardErrors: errors.slice(0, end), sumErrors: errors.slice(end) };
}

/** Of a row that determines a coefficient alone, the error is not known: it is held finite. */
const LEAST_REST = 0.05;

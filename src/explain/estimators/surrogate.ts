import type { Call } from "../../domain/call.ts";
import { type Fit, fitWeighted, type WeightedRows } from "./weighted-regression.ts";

/** The strength of the package lime's ridge regression. */
const RIDGE = 1;

export interface Surrogate extends Omit<Fit, "sumErrors"> {
  /** By target. */
  readonly intercepts: Float64Array;
}

/**
 * A weighted ridge regression with an intercept that is not shrunk, as scikit-learn's `Ridge(alpha=1)` has it: rows and targets are
 * centred by their weighted means first.
 */
export async function fitSurrogate(
  rows: Omit<WeightedRows, "draws">,
  checkpoint: Call["checkpoint"],
): Promise<Surrogate> {
  const { columns, targets, weights } = rows;
  const x = rows.x.slice();
  const y = rows.y.slice();
  const means = centre(x, columns, weights);
  const intercepts = centre(y, targets, weights);
  const draws = weights.map(() => 1);
  const fit = await fitWeighted({ ...rows, x, y, draws }, RIDGE, checkpoint);
  for (let target = 0; target < targets; target++)
    for (let column = 0; column < columns; column++)
      (intercepts[target] as number) -=
        (means[column] as number) * (fit.coefficients[column * targets + target] as number);
  return { coefficients: fit.coefficients, standardErrors: fit.standardErrors, intercepts };
}

/** Subtracts the weighted means of the columns, and returns them. */
function centre(values: Float64Array, columns: number, weights: Float64Array): Float64Array {
  const means = new Float64Array(columns);
  let total = 0;
  for (const [row, weight] of weights.entries()) {
    total += weight;
    for (let column = 0; column < columns; column++)
      (means[column] as number) += weight * (values[row * columns + column] as number);
  }
  for (let column = 0; column < columns; column++) (means[column] as number) /= total;
  for (let at = 0; at < values.length; at++)
    (values[at] as number) -= means[at % columns] as number;
  return means;
}

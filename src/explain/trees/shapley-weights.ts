/** Up to so many columns the weights are tabulated: 128 KiB. */
const MAX_TABULATED = 127;

/**
 * Shapley values of a leaf. It counts for a coalition that has all `present` columns of it (those whose conditions only the
 * explained row satisfies) and none of the `absent` ones (only the background row does). Each of the first gets
 * `weight(present, absent)` of what the leaf adds, each of the others `-weight(absent, present)`.
 * Source: Lundberg et al., From local explanations to global understanding with explainable AI for trees, Nature Machine
 * Intelligence 2020, algorithm 3.
 */
export interface ShapleyWeights {
  /** (present - 1)! absent! / (present + absent)! at `present * stride + absent`, for sums less than `stride`. */
  readonly table: Float64Array;
  readonly stride: number;
  /** For any numbers, of which the first is at least 1. */
  weight(present: number, absent: number): number;
}

/** @param columns the largest number of columns of a leaf */
export function createShapleyWeights(columns: number): ShapleyWeights {
  const logFactorials = new Float64Array(columns + 1);
  for (let n = 1; n <= columns; n++) logFactorials[n] = (logFactorials[n - 1] ?? 0) + Math.log(n);
  const logOf = (n: number): number => logFactorials[n] ?? 0;
  const stride = Math.min(columns, MAX_TABULATED) + 1;
  const table = new Float64Array(stride * stride);
  for (let absent = 0; absent < stride; absent++) {
    // 0! absent! / (1 + absent)!, and from one number of present columns to the next.
    let weight = 1 / (1 + absent);
    for (let present = 1; present + absent < stride; present++) {
      table[present * stride + absent] = weight;
      weight *= present / (present + absent + 1);
    }
  }
  return {
    table,
    stride,
    weight: (present, absent) =>
      present + absent < stride
        ? (table[present * stride + absent] ?? 0)
        : Math.exp(logOf(present - 1) + logOf(absent) - logOf(present + absent)),
  };
}

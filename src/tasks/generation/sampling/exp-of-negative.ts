const STEPS = 256;
const STEPS_PER_UNIT = STEPS * Math.LOG2E;
const UNITS_PER_STEP = Math.LN2 / STEPS;
/** Beyond it, the result rounds to 0. */
const MAX_EXPONENT = 745;
const MAX_HALVINGS = 1076;

/** `2^(-index / STEPS)`: products of square roots, which IEEE 754 rounds to the same bits everywhere. */
const ROOTS = new Float64Array(STEPS).fill(1);
for (let bit = STEPS / 2, root = Math.SQRT1_2; bit >= 1; bit /= 2, root = Math.sqrt(root))
  for (let index = 0; index < STEPS; index++)
    if (index & bit) ROOTS[index] = (ROOTS[index] as number) * root;

const HALVINGS = Float64Array.from({ length: MAX_HALVINGS }, (_, halvings) => 2 ** -halvings);

/**
 * `exp(-x)` for `x` from 0 to infinity, within some units of the last place, times `x` where that is large. ECMAScript
 * leaves the last bits of `Math.exp` to the engine; these are the same everywhere, so that a seed gives the same draws.
 * It also takes less than half the time.
 */
export function expOfNegative(x: number): number {
  if (!(x < MAX_EXPONENT)) return 0;
  const steps = Math.floor(x * STEPS_PER_UNIT);
  // Of at most one step, ln(2) / 256: the sixth term of the series is below 2^-53.
  const rest = steps * UNITS_PER_STEP - x;
  const series = 1 + rest * (1 + rest * (1 / 2 + rest * (1 / 6 + rest * (1 / 24 + rest / 120))));
  return (ROOTS[steps & (STEPS - 1)] as number) * (HALVINGS[steps >> 8] as number) * series;
}

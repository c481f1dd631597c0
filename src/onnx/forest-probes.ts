import type { Forest } from "./forest.ts";

/** Rows at which two forms of a forest would differ if one of them were wrong. */

const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);

/**
 * Rows whose values are thresholds of the forest, the numbers next to them, infinities and NaN. Each row walks down one tree
 * by such values; its other columns have any.
 * @returns `rows` times `columns` numbers
 */
export function forestProbes(forest: Forest, columns: number, rows: number): Float32Array {
  const { splits, features, modes } = forest;
  const random = createRandom();
  const inner = [...modes.keys()].filter((node) => modes[node] !== "LEAF");
  const values = new Float32Array(rows * columns);
  const pick = (): number => inner[Math.floor(random() * inner.length)] ?? 0;
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    for (let column = 0; column < columns; column++)
      values[start + column] = near(splits[pick()] ?? 0, random);
    // Thresholds of their own columns, which thresholds of others rarely reach.
    for (let count = 0; count < columns; count++) {
      const node = pick();
      const column = features[node] ?? 0;
      if (column < columns) values[start + column] = near(splits[node] ?? 0, random);
    }
  }
  return values;
}

/** The value, a number next to it, or rarely one that is no number. */
function near(value: number, random: () => number): number {
  const kind = Math.floor(random() * 16);
  if (kind === 0) return Number.NaN;
  if (kind === 1) return random() < 0.5 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  if (kind < 6) return value;
  return kind < 11 ? next(value, 1) : next(value, -1);
}

/** The FP32 number after a value in a direction. */
function next(value: number, direction: 1 | -1): number {
  FLOAT[0] = value;
  if (value === 0) BITS[0] = direction === 1 ? 1 : -2_147_483_647;
  else BITS[0] = (BITS[0] ?? 0) + (value > 0 ? direction : -direction);
  return FLOAT[0];
}

/** The same numbers from 0 to 1 for each forest, so that a publication can be repeated. */
function createRandom(): () => number {
  let state = 20_261_130;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

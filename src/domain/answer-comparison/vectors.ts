import { type Comparison, DIFFERENT_STRUCTURE } from "./comparison.ts";
import { differencesOf, isNumbers } from "./numbers.ts";
import { overItems } from "./over-items.ts";

/** Of embeddings: int8 models differ from those that they were made of by about this. */
const TOLERANCE = 0.01;

/** Of embeddings: a vector, or a list of vectors. */
export const compareVectors = overItems(isNumbers, (first, second): Comparison => {
  if (first.length !== second.length) return DIFFERENT_STRUCTURE;
  const { nonFinite } = differencesOf(first, second);
  if (nonFinite > 0) return { same: false, measure: "non_finite", distance: nonFinite };
  const distance = cosineDistance(first, second);
  return { same: distance <= TOLERANCE, measure: "cosine_distance", distance };
});

/** Two vectors without a direction have no distance, and one without any has the distance 1 to all others. */
function cosineDistance(first: readonly number[], second: readonly number[]): number {
  const [a, b] = [toUnitScale(first), toUnitScale(second)];
  let dot = 0;
  let squaredA = 0;
  let squaredB = 0;
  for (const [index, x] of a.entries()) {
    const y = b[index] ?? 0;
    dot += x * y;
    squaredA += x * x;
    squaredB += y * y;
  }
  if (squaredA === 0 || squaredB === 0) return squaredA === squaredB ? 0 : 1;
  const cosine = dot / Math.sqrt(squaredA * squaredB);
  return Math.min(2, Math.max(0, 1 - cosine));
}

/** Divided by the largest magnitude, so that squares neither overflow nor vanish. What is not finite in both counts as 0. */
function toUnitScale(vector: readonly number[]): number[] {
  const finite = vector.map((value) => (Number.isFinite(value) ? value : 0));
  const largest = finite.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest === 0 ? finite : finite.map((value) => value / largest);
}

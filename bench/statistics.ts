export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @param values at least one number */
export function toSpread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** Rotates a list to the left by `places`, so that each variant is measured first equally often. */
export function rotate<T>(items: readonly T[], places: number): T[] {
  const start = items.length === 0 ? 0 : places % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

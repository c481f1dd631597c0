import type { FeatureData } from "../../domain/explanation/explanation.ts";

/** Steps within the range of a column that its values are looked for in. */
const STEPS = 2000;

/**
 * How many decimals the values of a column have: those of the data, integers none, and no more than 2,000 steps of the range need.
 * @param cells of the column in the row and the background
 */
export function decimalsOf(cells: Iterable<FeatureData>): number {
  let decimals = 0;
  let [least, greatest] = [Infinity, -Infinity];
  for (const cell of cells) {
    if (typeof cell !== "number") continue;
    least = Math.min(least, cell);
    greatest = Math.max(greatest, cell);
    decimals = Math.max(decimals, writtenDecimals(cell));
  }
  const range = greatest - least;
  if (!(range > 0)) return decimals;
  return Math.min(decimals, Math.max(0, Math.ceil(Math.log10(STEPS / range))));
}

/** `1e-7` has 7. */
function writtenDecimals(value: number): number {
  const [mantissa = "", exponent = "0"] = String(value).split("e");
  const fraction = mantissa.split(".")[1] ?? "";
  return Math.max(0, fraction.length - Number(exponent));
}

/** The most that `toFixed` takes. */
const MAX_DECIMALS = 100;

/** Rounded to decimals, as it is written. */
export function roundTo(value: number, decimals: number): number {
  return Number(value.toFixed(Math.min(decimals, MAX_DECIMALS)));
}

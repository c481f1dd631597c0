import type { MelSpectrogramBlock } from "../../domain/blocks/preprocess/mel-spectrogram.ts";

/** Subtracts means and divides by deviations, in place. */
export function normalizeFeatures(
  {
    rows,
    frames,
    values,
  }: { readonly rows: number; readonly frames: number; readonly values: Float32Array },
  { mean, deviation, normalizeBy }: Pick<MelSpectrogramBlock, "mean" | "deviation" | "normalizeBy">,
): void {
  if (normalizeBy === "window") standardize(values);
  if (normalizeBy === "row")
    for (let row = 0; row < rows; row++)
      standardize(values.subarray(row * frames, (row + 1) * frames));
  for (let row = 0; row < rows; row++) {
    const [center, scale] = [numberOf(mean, row), numberOf(deviation, row)];
    if (center === 0 && scale === 1) continue;
    for (let at = row * frames; at < (row + 1) * frames; at++)
      values[at] = ((values[at] as number) - center) / scale;
  }
}

/** What a row that is filled with a number has after {@link normalizeFeatures} with constants. */
export function normalizedFill(
  fill: number,
  row: number,
  { mean, deviation }: Pick<MelSpectrogramBlock, "mean" | "deviation">,
): number {
  return (fill - numberOf(mean, row)) / numberOf(deviation, row);
}

function numberOf(numbers: number | readonly number[], row: number): number {
  return typeof numbers === "number" ? numbers : (numbers[row] ?? 0);
}

/** Added to a variance, so that silence stays finite: that of Wav2Vec2's feature extractor. */
const LEAST_VARIANCE = 1e-7;

/** To a mean of 0 and a variance of 1. */
export function standardize(values: Float32Array, least = 0): void {
  if (values.length === 0) return;
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / values.length + least) || 1;
  for (let at = 0; at < values.length; at++)
    values[at] = ((values[at] as number) - mean) / deviation;
}

/** The samples of a window, as Wav2Vec2's feature extractor normalizes them. */
export function standardizeSamples(samples: Float32Array): void {
  standardize(samples, LEAST_VARIANCE);
}

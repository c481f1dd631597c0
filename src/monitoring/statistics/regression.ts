import type { RegressionReport } from "../../domain/monitoring/accuracy-report.ts";
import type { ErrorSums } from "../../domain/monitoring/truth-sums.ts";
import { normal } from "./interval.ts";

/**
 * Means with the normal distribution's interval by their standard errors; that of the root is the one of the mean of squares, of which the roots
 * are taken. They hold for some dozens of truths and more.
 * @returns `undefined` without truths that are numbers
 */
export function reportRegression(sums: ErrorSums): RegressionReport | undefined {
  const { count, error, absolute, squared, fourth } = sums;
  if (count <= 0) return undefined;
  const meanSquare = Math.max(0, squared / count);
  // The variance of a mean, by the unbiased variance of its terms.
  const variance = (mean: number, meanOfSquares: number): number =>
    count < 2 ? 0 : (meanOfSquares - mean ** 2) / (count - 1);
  const square = normal(meanSquare, variance(meanSquare, fourth / count), { min: 0 });
  return {
    count,
    meanError: normal(error / count, variance(error / count, meanSquare)),
    meanAbsoluteError: normal(absolute / count, variance(absolute / count, meanSquare), {
      min: 0,
    }),
    rootMeanSquaredError: {
      value: Math.sqrt(square.value),
      low: Math.sqrt(square.low),
      high: Math.sqrt(square.high),
    },
  };
}

import type {
  CalibrationReport,
  ReliabilityReport,
} from "../../domain/monitoring/accuracy-report.ts";
import type { TruthSums } from "../../domain/monitoring/truth-sums.ts";
import { normal, wilson } from "./interval.ts";

/** @returns `undefined` without predictions whose confidence is known */
export function reportCalibration({
  bins,
  brier,
  brierSquared,
}: Pick<TruthSums, "bins" | "brier" | "brierSquared">): CalibrationReport | undefined {
  const count = bins.reduce((sum, bin) => sum + bin.count, 0);
  if (count <= 0) return undefined;
  const reports: ReliabilityReport[] = [];
  let expectedError = 0;
  bins.forEach((bin, index) => {
    const accuracy = wilson(bin.correct, bin.count);
    if (!accuracy) return;
    const meanConfidence = bin.confidence / bin.count;
    expectedError += (bin.count / count) * Math.abs(accuracy.value - meanConfidence);
    const from = index / bins.length;
    const to = (index + 1) / bins.length;
    reports.push({ from, to, count: bin.count, meanConfidence, accuracy });
  });
  const mean = Math.max(0, brier / count);
  const variance = brierSquared / count - mean ** 2;
  return {
    count,
    expectedError,
    brier:
      count < 2
        ? { value: mean, low: 0, high: 1 }
        : normal(mean, variance / (count - 1), { min: 0, max: 1 }),
    bins: reports,
  };
}

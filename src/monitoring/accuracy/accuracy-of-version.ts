import type { AccuracyReport } from "../../domain/monitoring/accuracy-report.ts";
import type { TruthSums } from "../../domain/monitoring/truth-sums.ts";
import { reportCalibration } from "../statistics/calibration.ts";
import type { CalibrationMap } from "../statistics/calibration-map.ts";
import { reportClassification } from "../statistics/classification.ts";
import { estimateAccuracy } from "../statistics/estimated-accuracy.ts";
import { reportRegression } from "../statistics/regression.ts";

export interface ReportContext {
  readonly version: string;
  /** What confidences are worth. */
  readonly calibration: CalibrationMap | undefined;
  /** Of the model, as far as they are known. */
  readonly labels: readonly string[] | undefined;
}

/**
 * How good the predictions of a version are: what truths say of them, and what confidences make expected.
 * @param confidences of all predictions of the time, by label in 20 bins
 */
export function toAccuracyReport(
  {
    sums,
    confidences,
  }: {
    readonly sums: TruthSums;
    readonly confidences: Readonly<Record<string, readonly number[]>>;
  },
  { version, calibration, labels }: ReportContext,
): AccuracyReport {
  const classification = reportClassification(sums);
  const predictsLabels =
    classification !== undefined || Object.keys(confidences).length > 0 || labels !== undefined;
  return {
    version,
    truths: sums.truths,
    classification,
    calibration: reportCalibration(sums),
    regression: reportRegression(sums.values),
    estimated: predictsLabels ? estimateAccuracy(confidences, calibration, labels) : undefined,
  };
}

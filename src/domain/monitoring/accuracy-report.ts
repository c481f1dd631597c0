import type { CanaryReport } from "./canary-report.ts";
import type { Estimate } from "./estimate.ts";

export interface LabelReport {
  readonly label: string;
  /** Items whose truth it is, and items that were predicted as it. */
  readonly truths: number;
  readonly predicted: number;
  /** Absent where nothing was predicted as it. */
  readonly precision?: Estimate | undefined;
  /** Absent where it is nobody's truth. */
  readonly recall?: Estimate | undefined;
  readonly f1?: Estimate | undefined;
}

export interface ClassificationReport {
  readonly accuracy: Estimate;
  /** The mean of the F1 of all labels that are a truth or a prediction. */
  readonly macroF1: Estimate;
  readonly labels: readonly LabelReport[];
}

export interface ReliabilityReport {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly meanConfidence: number;
  /** The share of right predictions. */
  readonly accuracy: Estimate;
}

export interface CalibrationReport {
  /** Of predictions whose confidence is known. */
  readonly count: number;
  /**
   * The expected calibration error: the mean difference between confidence and share of right predictions over bins of the same width, by their
   * counts. Naeini, Cooper, Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning".
   */
  readonly expectedError: number;
  /**
   * The mean of (confidence - right)^2 of the predicted label, where `right` is 1 or 0: of two classes half of Brier's score over both, of more
   * not that score.
   */
  readonly brier: Estimate;
  /** Bins without predictions are left out. */
  readonly bins: readonly ReliabilityReport[];
}

export interface RegressionReport {
  readonly count: number;
  /** Prediction minus truth. */
  readonly meanError: Estimate;
  readonly meanAbsoluteError: Estimate;
  readonly rootMeanSquaredError: Estimate;
}

/** Why something cannot be estimated. */
export const UNAVAILABLE = [
  "not_calibrated", // nothing says what confidences are worth
  "no_confidences", // there are no predictions with a confidence
  "unknown_confusions", // of several labels: nothing says which ones are mistaken for which
] as const;
export interface Unavailable {
  readonly unavailable: (typeof UNAVAILABLE)[number];
  readonly reason: string;
}

/** What says what confidences are worth. */
export const CALIBRATION_SOURCES = ["feedback", "manifest"] as const;
export type CalibrationSource = (typeof CALIBRATION_SOURCES)[number];

export interface EstimatedAccuracy {
  readonly source: CalibrationSource;
  /** Truths that say what confidences are worth. */
  readonly calibrationTruths: number;
  readonly predictions: number;
  readonly accuracy: Estimate;
  readonly macroF1: number | Unavailable;
}

/** Of a version in some time. */
export interface AccuracyReport {
  readonly version: string;
  /** Rows whose truth is known. */
  readonly truths: number;
  readonly classification?: ClassificationReport | undefined;
  readonly calibration?: CalibrationReport | undefined;
  readonly regression?: RegressionReport | undefined;
  /** Absent where labels are not predicted. */
  readonly estimated?: EstimatedAccuracy | Unavailable | undefined;
}

/** In time, in milliseconds since the epoch. */
export interface AccuracyRequest {
  readonly from: number;
  readonly to: number;
  readonly version?: string | undefined;
  /** Of windows: 3600, or a multiple of it. */
  readonly stepSeconds: number;
}

export interface AccuracyReports {
  /** Of the whole time, by version, the newest first. */
  readonly versions: readonly AccuracyReport[];
  /** By version and time. */
  readonly windows: readonly AccuracyWindow[];
}

/** What is known of how good the predictions of a model are. */
export interface AccuracyReader {
  /** @throws ApiError `monitoring_unavailable` */
  report(model: string, request: AccuracyRequest): Promise<AccuracyReports>;
  /** Newest first. @throws ApiError `monitoring_unavailable` */
  canaries(model: string): Promise<readonly CanaryReport[]>;
}

export interface AccuracyWindow extends AccuracyReport {
  /** ISO 8601. */
  readonly start: string;
  readonly seconds: number;
}

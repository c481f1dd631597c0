import type { ModelId } from "../model-id.ts";
import type { DriftRules } from "./drift-fields.ts";
import type { ReferenceFeature } from "./reference-profile.ts";

/** Whether something has drifted: after one window it is suspected, after two in a row it has. */
export const DRIFT_STATUSES = ["no_profile", "insufficient", "none", "suspected", "drift"] as const;
export type DriftStatus = (typeof DRIFT_STATUSES)[number];

export const DRIFT_TESTS = ["psi", "ks", "rank_sum", "mean"] as const;
export type DriftTest = (typeof DRIFT_TESTS)[number];

/** A statistic of a feature in a window. */
export interface FeatureTest {
  readonly test: DriftTest;
  readonly value: number;
  /** What the value exceeds with the probability `level` where nothing has changed, for these numbers of rows. */
  readonly threshold: number;
  readonly pValue: number;
}

/** An input or output in a window, compared with the reference. */
export interface FeatureDrift {
  readonly feature: string;
  readonly side: "input" | "output";
  readonly kind: "numeric" | "category";
  /** Of the window alone: significant, and large enough to count. */
  readonly drifted: boolean;
  /** Over the tests of the feature: the smallest one, times their number. */
  readonly pValue: number;
  /** Adjusted for the number of features, by Benjamini and Hochberg. */
  readonly adjustedPValue: number;
  /** How large the difference is, in deviations: the larger of Cohen's w and `shift` without its sign. */
  readonly effect: number;
  /** By how many deviations values have grown, by their ranks; absent of categories. */
  readonly shift?: number;
  readonly tests: readonly FeatureTest[];
  readonly rows: number;
  readonly missing: number;
  /** By the bins or categories of the reference. */
  readonly counts: readonly number[];
}

export interface DriftWindow {
  /** In milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  /** A window that is not complete is not evaluated. */
  readonly complete: boolean;
  readonly features: readonly FeatureDrift[];
}

/** What is said of a feature by all windows. */
export interface FeatureState {
  readonly feature: string;
  readonly side: "input" | "output";
  readonly status: "insufficient" | "none" | "suspected" | "drift";
}

export interface DriftReport extends DriftRules {
  readonly model: string;
  readonly version: string;
  readonly status: DriftStatus;
  /** Of the profile; absent without one. */
  readonly reference?: {
    readonly digest: string;
    readonly rows: number;
    readonly inputs: readonly ReferenceFeature[];
    readonly outputs: readonly ReferenceFeature[];
  };
  readonly features: readonly FeatureState[];
  /** Newest first; the first one may be incomplete. */
  readonly windows: readonly DriftWindow[];
}

/** Compares what was collected of versions with their reference profiles. */
export interface DriftReader {
  /** @throws ApiError what the sources throw */
  report(id: ModelId, rules?: Partial<DriftRules>): Promise<DriftReport>;
}

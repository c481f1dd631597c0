import type { ApiError } from "../errors.ts";
import type { KeptRow } from "./prediction-batch.ts";

/** Truths of one request. */
export const MAX_FEEDBACK = 1000;

/** The truth of a row: a label or a number; `null` where it is not known. */
export type TruthValue = string | number | null;

/** Who gives feedback, and for whose requests. */
export interface FeedbackGiver {
  /** The id of the principal. */
  readonly id: string;
  /** Whether it may give feedback for requests of others. */
  readonly isAdmin: boolean;
}

export interface PredictionQuery {
  readonly requestIds: readonly string[];
  /** Only predictions of this version. */
  readonly version?: string | undefined;
  readonly giver: FeedbackGiver;
}

/** A prediction that feedback is for, or why there is none: `expired` where the id of the request says so. */
export type PredictionAnswer =
  | {
      readonly version: string;
      readonly count: number;
      readonly rows: readonly KeptRow[];
    }
  | { readonly problem: "unknown" | "expired" | "recent" };

export interface KnownTruth {
  readonly requestId: string;
  /** One for each row. */
  readonly truth: readonly TruthValue[];
  /** When it became known, in milliseconds since the epoch. */
  readonly knownAt: number;
}

/** What feedback has done. */
export const FEEDBACK_STATUSES = [
  "recorded", // the first truth of the request
  "replaced", // another truth than before
  "unchanged", // the same truth as before
  "outdated", // there is a truth that became known later
] as const;
export type FeedbackStatus = (typeof FEEDBACK_STATUSES)[number];

export type FeedbackAnswer =
  | {
      readonly status: FeedbackStatus;
      /** Rows whose prediction and truth were compared. */
      readonly compared: number;
    }
  | { readonly problem: "unknown" };

/** Feedback that a client has sent, whose form was checked. */
export interface Feedback {
  readonly requestId: string;
  /** Of all rows, or of the only one. */
  readonly truth: TruthValue | readonly TruthValue[];
  /** Milliseconds since the epoch; now when it is absent. */
  readonly knownAt?: number | undefined;
}

export interface RecordedFeedback {
  readonly requestId: string;
  readonly status: FeedbackStatus;
  readonly version: string;
  /** Rows whose prediction and truth were compared: of a batch the first 16. */
  readonly compared: number;
}

/** Records feedback for the predictions of a model. */
export interface FeedbackService {
  /**
   * @param version only for predictions of this version
   * @returns for each what was recorded, or an ApiError `prediction_not_found`, `prediction_expired`, `invalid_truth`
   * @throws ApiError `monitoring_unavailable`
   */
  give(
    model: string,
    version: string | undefined,
    feedback: readonly Feedback[],
    giver: FeedbackGiver,
  ): Promise<readonly (RecordedFeedback | ApiError)[]>;
}

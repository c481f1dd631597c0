import type { KeptRow } from "./prediction-batch.ts";

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

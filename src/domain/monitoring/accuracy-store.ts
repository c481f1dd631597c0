import type { DataSelector } from "../data-selector.ts";
import type { CanaryOutcome, CanaryReport, CanaryVerdict } from "./canary-report.ts";
import type {
  FeedbackAnswer,
  FeedbackGiver,
  KnownTruth,
  PredictionAnswer,
  PredictionQuery,
} from "./feedback.ts";
import type { TruthSums, TruthWindow } from "./truth-sums.ts";

export interface TruthQuery {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly version?: string | undefined;
}

export interface TruthsRead {
  readonly windows: readonly TruthWindow[];
  /** Of all time, by version. */
  readonly totals: Readonly<Record<string, TruthSums>>;
}

export interface FeedbackPage {
  readonly items: readonly object[];
  /** Where to go on; `undefined` at the end. */
  readonly cursor?: string | undefined;
}

/** Predictions that wait for their truth, truths, and canaries of one model, in its Durable Object. Plain data in and out. */
export interface AccuracyStore {
  findPredictions(query: PredictionQuery): Promise<readonly PredictionAnswer[]>;
  /** Records truths of requests that were found; of others it says so. It can be repeated. */
  recordTruths(
    truths: readonly KnownTruth[],
    giver: FeedbackGiver,
  ): Promise<readonly FeedbackAnswer[]>;
  readTruths(query: TruthQuery): Promise<TruthsRead>;
  /**
   * A page of the predictions and truths of a key, a subject or a request, as JSON values.
   * @param cursor of the page before
   */
  exportFeedback(selector: DataSelector, cursor?: string): Promise<FeedbackPage>;
  canaryReports(): Promise<readonly CanaryReport[]>;
  /** @returns whether nobody has acknowledged it before */
  acknowledgeCanary(
    verdict: Pick<CanaryVerdict, "alias" | "since" | "stable" | "canary">,
    outcome: CanaryOutcome,
  ): Promise<boolean>;
}

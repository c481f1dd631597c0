/** The truth of a prediction, by the id of its request. */
export interface Feedback {
  /** That of the response's header `x-request-id`, or the one that was sent in it. */
  readonly requestId: string;
  /** The label or number that was true; of a request with several rows a list, `null` where it is not known. */
  readonly truth: string | number | readonly (string | number | null)[];
  /** When it became known, ISO 8601; now when it is left out. */
  readonly time?: string | undefined;
}

export interface FeedbackRequest {
  readonly model: string;
  /** Only for predictions of this version. */
  readonly version?: string | undefined;
  /** Up to 1,000. */
  readonly feedback: readonly Feedback[];
}

export type FeedbackResult =
  | {
      readonly requestId: string;
      readonly status: "recorded" | "replaced" | "unchanged" | "outdated";
      /** The version that made the prediction. */
      readonly version: string;
      /** Rows whose prediction and truth were compared. */
      readonly compared: number;
    }
  | {
      readonly requestId?: string | undefined;
      readonly status: "failed";
      readonly code: string;
      readonly message: string;
    };

export interface FeedbackResults {
  /** How many there are of each status. */
  readonly counts: Readonly<Record<FeedbackResult["status"], number>>;
  /** In the order of the request. */
  readonly results: readonly FeedbackResult[];
}

import { ApiError, toApiError } from "../../domain/errors.ts";
import type { AccuracyStore } from "../../domain/monitoring/accuracy-store.ts";
import type {
  Feedback,
  FeedbackAnswer,
  FeedbackGiver,
  FeedbackService,
  KnownTruth,
  PredictionAnswer,
  RecordedFeedback,
} from "../../domain/monitoring/feedback.ts";
import { quote } from "../../shared/quote.ts";
import { timeOfUuidV7 } from "../../shared/uuid-v7.ts";
import { readTruth } from "./read-truth.ts";

/** Predictions that this isolate may not have sent to the collector yet. */
const RECENT_MS = 60_000;

export interface FeedbackServiceParts {
  readonly store: (model: string) => Pick<AccuracyStore, "findPredictions" | "recordTruths">;
  /** The labels of a version; `undefined` where it has none. @throws ApiError for a version that there is none of */
  readonly labelsOf: (model: string, version: string) => Promise<readonly string[] | undefined>;
  /** Sends what this isolate has gathered. */
  readonly flush: () => Promise<void>;
  readonly now?: () => number;
}

type Result = RecordedFeedback | ApiError;

/** Checks feedback against the predictions that it is for, and records what is valid. */
export function createFeedbackService({
  store,
  labelsOf,
  flush,
  now = Date.now,
}: FeedbackServiceParts): FeedbackService {
  function isRecent({ requestId }: Feedback): boolean {
    const time = timeOfUuidV7(requestId);
    return time === undefined || Math.abs(now() - time) < RECENT_MS;
  }

  /** For the truths of each version the same labels, which are looked up once. */
  function createLabels(model: string) {
    const known = new Map<string, Promise<readonly string[] | undefined>>();
    return (version: string) => {
      const labels = known.get(version) ?? labelsOf(model, version);
      known.set(version, labels);
      return labels;
    };
  }

  async function check(
    feedback: Feedback,
    answer: PredictionAnswer | undefined,
    labels: ReturnType<typeof createLabels>,
  ): Promise<KnownTruth | ApiError> {
    const { requestId, truth, knownAt = now() } = feedback;
    if (!answer || "problem" in answer) return notFound(requestId, answer?.problem ?? "unknown");
    try {
      const values = readTruth(truth, answer, await labels(answer.version));
      // One of the future could never be corrected.
      return { requestId, truth: values, knownAt: Math.min(knownAt, now()) };
    } catch (error) {
      const failure = toApiError(error);
      if (failure.code === "invalid_truth") return failure;
      if (failure.code === "version_not_found") return notFound(requestId, "unknown");
      throw failure;
    }
  }

  return {
    async give(model, version, feedback, giver: FeedbackGiver): Promise<readonly Result[]> {
      if (feedback.some(isRecent)) await flush();
      const requestIds = feedback.map(({ requestId }) => requestId);
      const found = await store(model).findPredictions({ requestIds, version, giver });
      const labels = createLabels(model);
      const checked: (KnownTruth | ApiError)[] = [];
      for (const [index, each] of feedback.entries())
        checked.push(await check(each, found[index], labels));
      const truths = checked.filter((each) => !(each instanceof ApiError)) as KnownTruth[];
      const answers = truths.length > 0 ? await store(model).recordTruths(truths, giver) : [];
      const answerOf = new Map(truths.map((truth, index) => [truth, answers[index]]));
      return checked.map((each, index) =>
        each instanceof ApiError ? each : toResult(each, answerOf.get(each), found[index]),
      );
    },
  };
}

function toResult(
  { requestId }: KnownTruth,
  answer: FeedbackAnswer | undefined,
  found: PredictionAnswer | undefined,
): Result {
  if (!answer || "problem" in answer || !found || "problem" in found)
    return notFound(requestId, "unknown");
  return { requestId, ...answer, version: found.version };
}

function notFound(requestId: string, problem: "unknown" | "expired" | "recent"): ApiError {
  const details = { requestId };
  if (problem === "expired")
    return new ApiError(
      "prediction_expired",
      `The request ${quote(requestId)} is older than predictions of this model are kept for feedback.`,
      { details },
    );
  const hint =
    problem === "recent"
      ? " Predictions are found some seconds after their response: try again."
      : "";
  return new ApiError(
    "prediction_not_found",
    `No prediction of the request ${quote(requestId)} is kept: it is unknown, of another model, version or key, was not answered, was left out by the model's rate, or predicts nothing that a truth could be compared with.${hint}`,
    { details },
  );
}

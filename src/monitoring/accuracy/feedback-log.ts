import type {
  FeedbackAnswer,
  FeedbackGiver,
  KnownTruth,
  PredictionAnswer,
  PredictionQuery,
  TruthValue,
} from "../../domain/monitoring/feedback.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import { timeOfUuidV7 } from "../../shared/uuid-v7.ts";
import type { CanaryTable } from "./canary-table.ts";
import type { PredictionSegments } from "./prediction-segments.ts";
import { requestKey } from "./request-key.ts";
import type { AcceptPrediction, FoundPrediction } from "./search-segments.ts";
import { toPairs } from "./truth-pairs.ts";
import type { StoredTruth, SumChange, TruthTable } from "./truth-table.ts";

/** Predictions arrive some seconds after their responses. */
const RECENT_MS = 60_000;

export interface FeedbackLogParts {
  readonly storage: SqlStorage;
  readonly segments: PredictionSegments;
  readonly truths: TruthTable;
  readonly canaries: CanaryTable;
}

/** Finds the predictions that feedback is for, and records it. */
export function createFeedbackLog({ storage, segments, truths, canaries }: FeedbackLogParts) {
  const { now, transaction } = storage;

  /** With the truth that is known, which has the prediction too. */
  function find(
    keyed: readonly { readonly key: string; readonly requestId: string }[],
    giver: FeedbackGiver,
  ): Map<string, FoundPrediction | StoredTruth> {
    const found = new Map<string, FoundPrediction | StoredTruth>();
    for (const accepts of acceptedOf(giver)) {
      const wanted = new Map<string, number | undefined>();
      for (const { key, requestId } of keyed) {
        if (found.has(key)) continue;
        const known = truths.find(key, accepts);
        if (known) found.set(key, known);
        else wanted.set(key, timeOfUuidV7(requestId));
      }
      if (wanted.size > 0)
        for (const [key, prediction] of segments.find(wanted, accepts)) found.set(key, prediction);
    }
    return found;
  }

  /** A client's own predictions come first: another client may have chosen the id of one of them. */
  function acceptedOf({ id, isAdmin }: FeedbackGiver): AcceptPrediction[] {
    if (isAdmin) return [() => true];
    return [({ owner }) => owner === id, ({ owner }) => owner === undefined];
  }

  /** The truth that an earlier item of the same call has recorded of a prediction. */
  function truthOf(key: string, { prediction }: FoundPrediction): StoredTruth | undefined {
    return truths.find(key, ({ owner }) => owner === prediction.owner);
  }

  function problemOf(requestId: string, retentionMs: number): "unknown" | "expired" | "recent" {
    const time = timeOfUuidV7(requestId);
    if (time === undefined) return "unknown";
    if (time < now() - retentionMs) return "expired";
    return Math.abs(now() - time) < RECENT_MS ? "recent" : "unknown";
  }

  function record(
    key: string,
    { truth, knownAt }: KnownTruth,
    found: FoundPrediction | StoredTruth,
    giver: string,
  ): { readonly answer: FeedbackAnswer; readonly change?: SumChange } {
    const { version, prediction, expiresAt } = found;
    const before = "truth" in found ? found : undefined;
    const added = toPairs(prediction.rows, truth);
    const answer = { compared: added.length };
    if (before && isEqual(before.truth, truth))
      return { answer: { ...answer, status: "unchanged" } };
    if (before && before.knownAt > knownAt) return { answer: { ...answer, status: "outdated" } };
    truths.put(key, { version, prediction, expiresAt, truth, knownAt }, giver);
    const removed = before ? toPairs(prediction.rows, before.truth) : [];
    const change = { version, time: prediction.time, added, removed };
    const first = added[0];
    if (!before && first?.kind === "label" && prediction.split !== undefined)
      canaries.addTruth(
        prediction.split,
        version,
        prediction.time,
        first.predicted === first.truth,
      );
    return { answer: { ...answer, status: before ? "replaced" : "recorded" }, change };
  }

  return {
    /** @param retentionMs after which a request is expired, for ids that say their time */
    async findPredictions(
      { requestIds, version, giver }: PredictionQuery,
      retentionMs: number,
    ): Promise<PredictionAnswer[]> {
      const keyed = await withKeys(requestIds);
      const found = find(keyed, giver);
      return keyed.map(({ key, requestId }): PredictionAnswer => {
        const each = found.get(key);
        const isWanted = each && (version === undefined || each.version === version);
        if (!isWanted) return { problem: each ? "unknown" : problemOf(requestId, retentionMs) };
        return { version: each.version, count: each.prediction.count, rows: each.prediction.rows };
      });
    },

    async recordTruths(
      given: readonly KnownTruth[],
      giver: FeedbackGiver,
    ): Promise<FeedbackAnswer[]> {
      const keyed = await withKeys(given.map(({ requestId }) => requestId));
      return transaction(() => {
        const found = find(keyed, giver);
        const changes: SumChange[] = [];
        const answers = given.map((each, index): FeedbackAnswer => {
          const key = keyed[index]?.key ?? "";
          // Of several truths of a request in one call the later ones are corrections.
          const known = found.get(key);
          if (!known) return { problem: "unknown" };
          const { answer, change } = record(key, each, truthOf(key, known) ?? known, giver.id);
          if (change) changes.push(change);
          return answer;
        });
        truths.addToSums(changes);
        return answers;
      });
    },
  };
}

async function withKeys(
  requestIds: readonly string[],
): Promise<{ readonly key: string; readonly requestId: string }[]> {
  return Promise.all(
    requestIds.map(async (requestId) => ({ key: await requestKey(requestId), requestId })),
  );
}

function isEqual(a: readonly TruthValue[], b: readonly TruthValue[]): boolean {
  return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
}

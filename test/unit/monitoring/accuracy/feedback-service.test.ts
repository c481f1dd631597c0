import { describe, expect, test } from "vitest";
import { ApiError } from "../../../../src/domain/errors.ts";
import type {
  Feedback,
  KnownTruth,
  PredictionAnswer,
} from "../../../../src/domain/monitoring/feedback.ts";
import { createFeedbackService } from "../../../../src/monitoring/accuracy/feedback-service.ts";
import { readTruth } from "../../../../src/monitoring/accuracy/read-truth.ts";
import { uuidV7 } from "../../../../src/shared/uuid-v7.ts";

const LABELS = ["setosa", "versicolor", "virginica"];
const ONE = { version: "1", count: 1, rows: [["setosa", 0.9]] } as const;
const NUMBERS = { version: "1", count: 20, rows: [1.5, null] } as const;

describe("a truth", () => {
  test("of one row, and of a list of one, is the same", () => {
    expect(readTruth("virginica", ONE, LABELS)).toEqual(["virginica"]);
    expect(readTruth(["virginica"], ONE, LABELS)).toEqual(["virginica"]);
    expect(readTruth("anything", ONE, undefined)).toEqual(["anything"]);
  });

  test("of several rows has one entry for each, also for those that are not kept", () => {
    const truth = Array.from({ length: 20 }, (_, index) => (index === 3 ? null : index));
    expect(readTruth(truth, NUMBERS, undefined)).toEqual(truth);
  });

  test.each([
    [5, ONE, "truth must be a label, which is a text, as what the model predicts; got 5."],
    ["tulip", ONE, 'truth is "tulip", which is no label of the model: its labels are "setosa", '],
    [["setosa", "setosa"], ONE, "The request had 1 row, and the truth is a list of 2."],
    [[null], ONE, "The truth is null"],
    [1, NUMBERS, "The request had 20 rows: send a list with the truth of each"],
    [
      new Array(20).fill("a"),
      NUMBERS,
      'truth[0] must be a number, as what the model predicts; got "a".',
    ],
    // Of a row whose prediction is not kept, by the others.
    [[1, ...new Array(18).fill(null), "a"], NUMBERS, "truth[19] must be a number"],
  ])("%j is refused with what was expected", (truth, predicted, message) => {
    const read = () => readTruth(truth, predicted, LABELS);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: "invalid_truth" }));
  });
});

function createService(answers: readonly PredictionAnswer[]) {
  const recorded: KnownTruth[] = [];
  let flushes = 0;
  const service = createFeedbackService({
    store: () => ({
      findPredictions: async () => answers,
      async recordTruths(truths) {
        recorded.push(...truths);
        return truths.map(({ truth }) => ({ status: "recorded", compared: truth.length }));
      },
    }),
    async labelsOf(_, version) {
      if (version === "9") throw new ApiError("version_not_found", "deleted");
      return LABELS;
    },
    flush: async () => void flushes++,
    now: () => 1_000_000,
  });
  const give = (feedback: readonly Feedback[]) =>
    service.give("iris", undefined, feedback, { id: "", isAdmin: true });
  return { give, recorded, flushes: () => flushes };
}

test("of a list the valid items are recorded, and each of the others is refused by itself", async () => {
  const { give, recorded } = createService([
    ONE,
    { problem: "unknown" },
    ONE,
    { ...ONE, version: "9" },
    { problem: "expired" },
    { problem: "recent" },
  ]);
  const ids = ["a", "b", "c", "d", "e", "f"];
  const truths = ["setosa", "setosa", "tulip", "setosa", "setosa", "setosa"];
  const results = await give(
    ids.map((requestId, index) => ({ requestId, truth: truths[index] ?? "", knownAt: 5 })),
  );
  expect(results[0]).toEqual({ requestId: "a", status: "recorded", version: "1", compared: 1 });
  expect(results.slice(1).map((result) => (result as ApiError).code)).toEqual([
    "prediction_not_found",
    "invalid_truth",
    "prediction_not_found",
    "prediction_expired",
    "prediction_not_found",
  ]);
  expect((results[5] as ApiError).message).toMatch(/try again\.$/);
  expect(recorded).toEqual([{ requestId: "a", truth: ["setosa"], knownAt: 5 }]);
});

test("what this isolate has gathered is sent before feedback for a request of the last minute", async () => {
  const { give, flushes } = createService([ONE]);
  await give([{ requestId: uuidV7(1_000_000 - 120_000), truth: "setosa" }]);
  expect(flushes()).toBe(0);
  await give([{ requestId: uuidV7(1_000_000 - 1000), truth: "setosa" }]);
  await give([{ requestId: "order-17", truth: "setosa" }]);
  expect(flushes()).toBe(2);
});

test("a truth is known now at the latest: one of the future could never be corrected", async () => {
  const { give, recorded } = createService([ONE, ONE, ONE]);
  const times = [999_000, Date.parse("9999-12-31T23:59:59Z"), 1_000_000];
  await give(
    times.map((knownAt, index) => ({ requestId: `order-${index}`, truth: "setosa", knownAt })),
  );
  expect(recorded.map(({ knownAt }) => knownAt)).toEqual([999_000, 1_000_000, 1_000_000]);
});

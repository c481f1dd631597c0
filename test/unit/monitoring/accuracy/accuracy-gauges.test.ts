import { expect, test } from "vitest";
import type { CanaryReport } from "../../../../src/domain/monitoring/canary-report.ts";
import { addTruth, emptyTruthSums } from "../../../../src/domain/monitoring/truth-sums.ts";
import { toAccuracyGauges } from "../../../../src/monitoring/accuracy/accuracy-gauges.ts";

test("labels have an accuracy and a calibration error, numbers have errors", () => {
  const labels = emptyTruthSums();
  for (const [predicted, truth] of [
    ["a", "a"],
    ["a", "b"],
    ["b", "b"],
    ["b", "b"],
  ] as const)
    addTruth(labels, { kind: "label", predicted, truth, confidence: 0.95 });
  const numbers = emptyTruthSums();
  for (const truth of [1, 4]) addTruth(numbers, { kind: "value", predicted: 2, truth });
  const { truths } = toAccuracyGauges(
    new Map([
      ["1", labels],
      ["2", numbers],
      ["3", emptyTruthSums()],
    ]),
    [],
  );
  expect(truths).toEqual([
    // One bin: 0.95 of confidence, and three of four are right.
    { version: "1", truths: 4, accuracy: 0.75, calibrationError: expect.closeTo(0.2, 12) },
    {
      version: "2",
      truths: 2,
      meanAbsoluteError: 1.5,
      // The root of (1 + 4) / 2.
      rootMeanSquaredError: expect.closeTo(1.5811388300841898, 12),
    },
  ]);
});

test("a canary is that of its newest split", () => {
  const canary = (since: number, worse?: object): CanaryReport =>
    ({ alias: "default", since, stable: "1", canary: "2", worse }) as never;
  const other = { ...canary(3), alias: "next" };
  expect(toAccuracyGauges(new Map(), [other, canary(2), canary(1, {})]).canaries).toEqual([
    { alias: "next", version: "2", stable: "1", isWorse: false },
    { alias: "default", version: "2", stable: "1", isWorse: false },
  ]);
});

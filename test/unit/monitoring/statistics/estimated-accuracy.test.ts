import { describe, expect, test } from "vitest";
import { addTruth, emptyTruthSums } from "../../../../src/domain/monitoring/truth-sums.ts";
import {
  CONFIDENCE_BINS,
  confidenceBin,
} from "../../../../src/domain/statistics/confidence-bins.ts";
import {
  calibrationOf,
  statedCalibration,
} from "../../../../src/monitoring/statistics/calibration-map.ts";
import { estimateAccuracy } from "../../../../src/monitoring/statistics/estimated-accuracy.ts";
import fixture from "../../../fixtures/accuracy/estimated.json" with { type: "json" };

/** Of recipes/estimated_fixtures.py: predictions of handwritten digits, by scikit-learn. */
const sums = emptyTruthSums();
for (const [truth = "", predicted = "", confidence] of fixture.feedback)
  addTruth(sums, {
    kind: "label",
    truth: String(truth),
    predicted: String(predicted),
    confidence: Number(confidence),
  });
const calibration = calibrationOf(sums, "feedback");

function histogramsOf(predictions: (string | number)[][]): Record<string, number[]> {
  const histograms: Record<string, number[]> = {};
  for (const [label = "", confidence = 0] of predictions) {
    const histogram = histograms[label] ?? new Array<number>(CONFIDENCE_BINS).fill(0);
    const bin = confidenceBin(Number(confidence));
    histogram[bin] = (histogram[bin] ?? 0) + 1;
    histograms[label] = histogram;
  }
  return histograms;
}

const estimates = fixture.windows.map((window) => {
  const estimated = estimateAccuracy(histogramsOf(window.predictions), calibration);
  if ("unavailable" in estimated) throw new Error(estimated.reason);
  return { ...window, estimate: estimated };
});

const errorOf = (name: string): number => {
  const errors = estimates
    .filter((window) => window.name === name)
    .map(({ accuracy, estimate }) => Math.abs(accuracy - estimate.accuracy.value));
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
};

describe("estimated accuracy of handwritten digits", () => {
  test("is what scikit-learn's isotonic regression makes of the confidences", () => {
    for (const { estimated, estimate } of estimates)
      expect(estimate.accuracy.value).toBeCloseTo(estimated, 10);
  });

  test("is near the accuracy where inputs are as before, and too high where they are blurred", () => {
    expect(errorOf("as they are")).toBeLessThan(0.01);
    expect(errorOf("noise of 2 of 16 grey levels")).toBeLessThan(0.02);
    expect(errorOf("the less certain half")).toBeLessThan(0.03);
    for (const { name, accuracy, estimate } of estimates)
      if (name === "noise of 6") expect(estimate.accuracy.value).toBeGreaterThan(accuracy);
  });

  test("has an interval with the accuracy of inputs as before in it", () => {
    const inside = estimates.filter(
      ({ name, accuracy, estimate: { accuracy: interval } }) =>
        name === "as they are" && interval.low <= accuracy && accuracy <= interval.high,
    );
    expect(inside).toHaveLength(10);
  });

  test("comes with a macro F1 that is a point from the true one in the mean", () => {
    const errors = estimates
      .filter(({ name }) => name === "as they are")
      .map(({ macroF1, estimate }) => Math.abs(Number(estimate.macroF1) - macroF1));
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.01);
  });
});

describe("accuracy cannot be estimated", () => {
  const confidences = { a: histogramsOf([["a", 0.9]]).a ?? [], b: [], c: [] };

  test("without a calibration, which takes 200 truths", () => {
    expect(estimateAccuracy(confidences, undefined)).toMatchObject({
      unavailable: "not_calibrated",
    });
    const few = emptyTruthSums();
    for (let index = 0; index < 199; index++)
      addTruth(few, { kind: "label", truth: "a", predicted: "a", confidence: 0.7 });
    expect(calibrationOf(few, "feedback")).toBeUndefined();
    addTruth(few, { kind: "label", truth: "b", predicted: "a", confidence: 0.7 });
    expect(calibrationOf(few, "feedback")?.shares).toEqual(new Array(20).fill(0.995));
  });

  test("without predictions", () => {
    expect(estimateAccuracy({}, calibration)).toMatchObject({ unavailable: "no_confidences" });
  });

  test("as F1 of more than two labels before a truth says which are mistaken", () => {
    const estimated = estimateAccuracy(confidences, statedCalibration(), ["a", "b", "c"]);
    expect(estimated).toMatchObject({
      source: "manifest",
      accuracy: { value: 0.925 },
      macroF1: { unavailable: "unknown_confusions" },
    });
  });
});

test("of two labels a wrong prediction of one is the other", () => {
  const bin = (index: number, count: number) =>
    Array.from({ length: 20 }, (_, each) => (each === index ? count : 0));
  // By the middles of the bins 92.5 of 100 are right, and 41.25 of 50.
  const estimated = estimateAccuracy({ a: bin(18, 100), b: bin(16, 50) }, statedCalibration());
  const [hitsA, hitsB] = [92.5, 41.25];
  const [truthsA, truthsB] = [hitsA + (50 - hitsB), hitsB + (100 - hitsA)];
  const expected = ((2 * hitsA) / (100 + truthsA) + (2 * hitsB) / (50 + truthsB)) / 2;
  expect("macroF1" in estimated && estimated.macroF1).toBeCloseTo(expected, 12);
});

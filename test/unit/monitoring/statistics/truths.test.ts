import { describe, expect, test } from "vitest";
import {
  addTruth,
  emptyTruthSums,
  mergeTruthSums,
  type TruthPair,
  type TruthSums,
} from "../../../../src/domain/monitoring/truth-sums.ts";
import { reportCalibration } from "../../../../src/monitoring/statistics/calibration.ts";
import { reportClassification } from "../../../../src/monitoring/statistics/classification.ts";
import { wilson } from "../../../../src/monitoring/statistics/interval.ts";
import { isotonic } from "../../../../src/monitoring/statistics/isotonic.ts";
import { reportRegression } from "../../../../src/monitoring/statistics/regression.ts";
import fixtures from "../../../fixtures/accuracy/truths.json" with { type: "json" };

/** Of recipes/accuracy_fixtures.py: scikit-learn, SciPy and bootstraps by NumPy. */
const SETS = ["digits", "wine", "breast-cancer"] as const;

function toPairs(rows: (string | number)[][]): TruthPair[] {
  return rows.map(([truth, predicted, confidence]) => ({
    kind: "label",
    truth: String(truth),
    predicted: String(predicted),
    confidence: Number(confidence),
  }));
}

function sumsOf(pairs: readonly TruthPair[]): TruthSums {
  const sums = emptyTruthSums();
  for (const pair of pairs) addTruth(sums, pair);
  return sums;
}

const DIABETES = fixtures.diabetes.rows.map(
  ([truth = 0, predicted = 0]): TruthPair => ({ kind: "value", truth, predicted }),
);

describe.each(SETS)("truths of %s", (name) => {
  const expected = fixtures[name];
  const sums = sumsOf(toPairs(expected.rows));
  const report = reportClassification(sums);

  test("accuracy and its interval are those of scikit-learn and SciPy", () => {
    expect(report?.accuracy.value).toBeCloseTo(expected.accuracy, 12);
    expect(report?.accuracy.low).toBeCloseTo(expected.accuracyInterval[0] ?? 0, 12);
    expect(report?.accuracy.high).toBeCloseTo(expected.accuracyInterval[1] ?? 0, 12);
  });

  test("macro F1 is that of scikit-learn, and its interval by the delta method near a bootstrap's", () => {
    expect(report?.macroF1.value).toBeCloseTo(expected.macroF1, 12);
    const [low = 0, high = 0] = expected.macroF1Bootstrap;
    expect(Math.abs((report?.macroF1.low ?? 0) - low)).toBeLessThan(0.01);
    expect(Math.abs((report?.macroF1.high ?? 0) - high)).toBeLessThan(0.01);
  });

  test("precision, recall and F1 by label are those of scikit-learn, and their intervals near a bootstrap's", () => {
    expect(report?.labels.map(({ label }) => label)).toEqual(Object.keys(expected.labels));
    for (const each of report?.labels ?? []) {
      const values = (expected.labels as Record<string, (typeof fixtures)["wine"]["labels"]["0"]>)[
        each.label
      ];
      expect(each.precision?.value).toBeCloseTo(values?.precision ?? -1, 12);
      expect(each.recall?.value).toBeCloseTo(values?.recall ?? -1, 12);
      expect(each.recall?.low).toBeCloseTo(values?.recallInterval[0] ?? -1, 12);
      expect(each.recall?.high).toBeCloseTo(values?.recallInterval[1] ?? -1, 12);
      expect(each.f1?.value).toBeCloseTo(values?.f1 ?? -1, 12);
      expect(each.truths).toBe(values?.truths);
      // A bootstrap's percentiles differ from Wilson's interval by a few points for some dozens of truths.
      expect(Math.abs((each.f1?.low ?? 0) - (values?.f1Bootstrap[0] ?? 1))).toBeLessThan(0.06);
      expect(Math.abs((each.f1?.high ?? 0) - (values?.f1Bootstrap[1] ?? 1))).toBeLessThan(0.06);
    }
  });

  test("calibration error and Brier score are those of NumPy and scikit-learn", () => {
    const calibration = reportCalibration(sums);
    expect(calibration?.expectedError).toBeCloseTo(expected.expectedCalibrationError, 12);
    expect(calibration?.brier.value).toBeCloseTo(expected.brier, 12);
    expect(calibration?.count).toBe(expected.rows.length);
  });

  test("sums of two halves are those of the whole", () => {
    const pairs = toPairs(expected.rows);
    const merged = sumsOf(pairs.slice(0, 40));
    mergeTruthSums(merged, sumsOf(pairs.slice(40)));
    expect(reportClassification(merged)).toEqual(report);
    expect(merged.brier).toBeCloseTo(sums.brier, 9);
  });
});

describe("truths that are numbers", () => {
  const report = reportRegression(sumsOf(DIABETES).values);
  const { meanError, mae, rmse, maeBootstrap, rmseBootstrap } = fixtures.diabetes;

  test("mean error, MAE and RMSE are those of scikit-learn", () => {
    expect(report?.meanError.value).toBeCloseTo(meanError, 9);
    expect(report?.meanAbsoluteError.value).toBeCloseTo(mae, 9);
    expect(report?.rootMeanSquaredError.value).toBeCloseTo(rmse, 9);
  });

  test("their intervals are within 2 % of a bootstrap's", () => {
    const bounds = [
      [report?.meanAbsoluteError, maeBootstrap],
      [report?.rootMeanSquaredError, rmseBootstrap],
    ] as const;
    for (const [estimate, [low = 0, high = 0]] of bounds) {
      expect((estimate?.low ?? 0) / low).toBeCloseTo(1, 1.4);
      expect((estimate?.high ?? 0) / high).toBeCloseTo(1, 1.4);
    }
  });
});

test("isotonic values are those of scikit-learn", () => {
  for (const { means, weights, fitted } of fixtures.isotonic) {
    const values = isotonic(means.map((mean, index) => ({ mean, weight: weights[index] ?? 0 })));
    values.forEach((value, index) => {
      expect(value).toBeCloseTo(fitted[index] ?? -1, 12);
    });
  }
});

test("a truth that is taken away leaves the sums as they were before", () => {
  const pairs = toPairs(fixtures.wine.rows);
  const sums = sumsOf(pairs);
  const extra: TruthPair = { kind: "label", truth: "__proto__", predicted: "0", confidence: 0.5 };
  addTruth(sums, extra);
  expect(reportClassification(sums)?.labels.map(({ label }) => label)).toContain("__proto__");
  addTruth(sums, extra, -1);
  expect(sums.pairs).toEqual(sumsOf(pairs).pairs);
  expect(sums.correct).toBe(sumsOf(pairs).correct);
  expect(sums.bins).toEqual(sumsOf(pairs).bins);
});

test("a share of nothing has no interval, and one of all or none ends at 1 or 0", () => {
  expect(wilson(0, 0)).toBeUndefined();
  expect(wilson(0, 10)?.low).toBe(0);
  expect(wilson(10, 10)?.high).toBe(1);
  expect(wilson(10, 10)?.low).toBeCloseTo(0.7224672, 6);
});

import { describe, expect, test } from "vitest";
import type { Explanation } from "../../../../src/domain/explanation/explanation.ts";
import {
  COSINE_KERNEL_WIDTH,
  createLimeEstimator,
} from "../../../../src/explain/estimators/lime.ts";
import { limeMethod } from "../../../../src/explain/methods/lime-method.ts";
import { discretizeNumbers } from "../../../../src/explain/table/discretizer.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";
import { explain, explainedRows, readExplanations } from "../../../support/explained-tables.ts";
import { explanationRequest } from "../../../support/explained-version.ts";
import { estimatorOptions, gameOf } from "../../../support/games.ts";

interface LimeAnswer extends Explanation {
  readonly conditions?: readonly string[];
}

/** By the package lime, made by recipes/explanation_fixtures.py: of each column and then the intercept, the numbers of all labels. */
interface Found {
  readonly background: readonly (readonly number[])[];
  readonly conditions: Readonly<Record<string, string>>;
  readonly values: readonly (readonly number[])[];
  readonly std_error: readonly (readonly number[])[];
}
const { engine: _, ...lime } = readExplanations<Readonly<Record<string, Found>>>("lime.json");

function numbersOf(condition: string): number[] {
  return (condition.match(/[\d.]+/g) ?? []).map(Number);
}

describe.each(Object.entries(lime))("lime of %s", (name, found) => {
  test("has the coefficients of the package, within three standard errors", async () => {
    const { version, rows } = await explainedRows(name);
    const answer = await explain<LimeAnswer>(limeMethod, version, rows[0], {
      output: "all",
      seed: 3,
    });
    expect(answer).toMatchObject({ method: "lime", exact: false, runs: 5000, seed: 3 });
    const values = answer.values as readonly number[][];
    const errors = answer.std_error as readonly number[][];
    const columns = answer.feature_names.length;
    const far = values.flatMap((ofColumn, column) =>
      ofColumn.filter((value, label) => {
        // Theirs is the error of a mean of 12 seeds.
        const error = Math.hypot(
          errors[column]?.[label] ?? 0,
          found.std_error[column]?.[label] ?? 0,
        );
        return Math.abs(value - (found.values[column]?.[label] ?? 0)) > 3 * error + 1e-6;
      }),
    );
    expect(far.length).toBeLessThanOrEqual(answer.output_names.length);
    const base = answer.base_value as readonly number[];
    for (const [label, intercept] of (found.values[columns] ?? []).entries()) {
      const error = 12 ** 0.5 * (found.std_error[columns]?.[label] ?? 0);
      expect(Math.abs((base[label] ?? 0) - intercept)).toBeLessThan(4 * error + 1e-3);
    }
    // The package names no columns here, and rounds doubles; the model's numbers are FP32.
    for (const [column, condition] of Object.entries(found.conditions)) {
      const name = answer.feature_names[Number(column)] ?? "";
      const own = (answer.conditions?.[Number(column)] ?? "").replace(name, column);
      expect(own.replaceAll(/[\d.]+/g, "n")).toBe(condition.replaceAll(/[\d.]+/g, "n"));
      for (const [index, number] of numbersOf(condition).entries())
        expect(Math.abs((numbersOf(own)[index] ?? Number.NaN) - number)).toBeLessThan(0.011);
    }
  });
});

describe("lime", () => {
  test("replaces columns by the background where that is asked for", async () => {
    const { version, rows } = await explainedRows("wine-naive-bayes");
    const parameters = { sampling: "background", samples: 400 };
    const answer = await explain(limeMethod, version, rows[0], { parameters });
    expect(answer.feature_names).toHaveLength(13);
    expect(answer.additivity_error).toBeLessThan(0.3);
    expect(answer.runs).toBeLessThanOrEqual(1 + 399 * 14);
  });

  test("refuses samples that the runs or the memory do not suffice for", async () => {
    const { version, rows } = await explainedRows("breast-cancer-mlp");
    const plan = (samples: number, sampling: "discretized" | "background", maxRuns?: number) =>
      limeMethod.plan(explanationRequest(version, rows[0], { samples, sampling }, { maxRuns }));
    await expect(plan(5000, "discretized", 3000)).rejects.toMatchObject({
      details: { needed: 5000, limit: 3000 },
    });
    await expect(plan(90_000, "discretized")).rejects.toMatchObject({ details: { limit: 33_333 } });
    await expect(plan(90_000, "background")).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("finds the coefficients of a game that is linear, but for the ridge", async () => {
    const weights = [3, -2, 0.5, 0, 1, 0];
    const game = gameOf(6, 1, (coalition) => [
      10 + weights.reduce((sum, weight, player) => sum + weight * (coalition[player] as number), 0),
    ]);
    for (const [distance, width] of [
      ["cosine", COSINE_KERNEL_WIDTH],
      ["euclidean", 2],
    ] as const) {
      const estimator = createLimeEstimator({ distance, kernelWidth: () => width });
      const { values, base, full, coalitions } = await estimator.estimate(
        game,
        estimatorOptions(3000),
      );
      expect([...values]).toEqual(weights.map((weight) => expect.closeTo(weight, 1)));
      expect(base[0]).toBeCloseTo(10, 0);
      expect(full[0]).toBe(12.5);
      // Each of the coalitions is evaluated once.
      expect(coalitions).toBeLessThanOrEqual(64);
    }
  });
});

describe("quartiles of a column", () => {
  const random = createSeededRandom(4);
  const background = [1, 2, 2, 3, 5, 8, 13, Number.NaN];
  const column = discretizeNumbers("length", background);

  test("have bounds as NumPy computes them, and samples within", () => {
    // numpy.percentile([1, 2, 2, 3, 5, 8, 13], [25, 50, 75]) is [2, 3, 6.5].
    expect([1, 2, 2.5, 3, 6.5, 7].map((value) => column.binOf(value))).toEqual([0, 0, 1, 1, 2, 3]);
    expect([0, 1, 3].map((bin) => column.describe(bin))).toEqual([
      "length <= 2.00",
      "2.00 < length <= 3.00",
      "length > 6.50",
    ]);
    const ranges = [
      [1, 2],
      [2, 3],
      [3, 6.5],
      [6.5, 13],
    ];
    for (const [bin, [least = 0, greatest = 0]] of ranges.entries())
      for (let sample = 0; sample < 200; sample++) {
        const value = column.sample(bin, random);
        expect(value).toBeGreaterThanOrEqual(least);
        expect(value).toBeLessThanOrEqual(greatest);
      }
  });

  test("have missing values as a bin of their own", () => {
    const missing = column.binOf(Number.NaN);
    expect(column.sample(missing, random)).toBeNaN();
    expect(column.describe(missing)).toBe("length is missing");
    const drawn = Array.from({ length: 4000 }, () => column.draw(random));
    expect(drawn.filter((bin) => bin === missing).length / 4000).toBeCloseTo(1 / 8, 1);
  });
});

test.each(["discretized", "background"] as const)(
  "a kernel width at which no sample counts is refused, of samples of %s",
  async (sampling) => {
    const { version, rows } = await explainedRows("iris-logistic");
    for (const kernel_width of [1e-300, 0.01]) {
      const parameters = { kernel_width, sampling, samples: 100 };
      await expect(explain(limeMethod, version, rows[0], { parameters })).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringContaining(
          `"parameters.kernel_width" of ${kernel_width} is too small`,
        ),
      });
    }
  },
);

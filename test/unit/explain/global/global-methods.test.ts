import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { openGlobalTable } from "../../../../src/explain/global/global-table.ts";
import { METRIC_DEFINITIONS, type MetricName } from "../../../../src/explain/global/metrics.ts";
import { partialDependenceMethod } from "../../../../src/explain/global/partial-dependence-method.ts";
import {
  drawPermutations,
  importanceOf,
  scoreOf,
} from "../../../../src/explain/global/permutation-importance.ts";
import { permutationImportanceMethod } from "../../../../src/explain/global/permutation-importance-method.ts";
import type { ExplanationMethod } from "../../../../src/explain/method.ts";
import { METHODS } from "../../../../src/explain/registry.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";
import { explainedVersion, explanationRequest } from "../../../support/explained-version.ts";
import { findModel } from "../../../support/publish.ts";

/** Of scikit-learn, by recipes/global_explanation_fixtures.py. */
interface Fixture {
  readonly rows: number[][];
  readonly truths: number[];
  readonly permutations: number[][];
  readonly importances: Record<
    string,
    { score: number; importances: number[][]; mean: number[]; std: number[] }
  >;
  readonly dependences: { grid: number[]; average: number[][]; individual: number[][][] }[];
}

const { points, models } = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "explanations", "global.json"), "utf8"),
) as { points: number; models: Record<string, Fixture> };

const SCORINGS: Readonly<Record<MetricName, string>> = {
  accuracy: "accuracy",
  log_loss: "neg_log_loss",
  r2: "r2",
  rmse: "neg_root_mean_squared_error",
};

function fixtureOf(name: string): Fixture {
  const fixture = models[name];
  if (!fixture) throw new Error(`no fixture of ${name}`);
  return fixture;
}

async function explain(
  method: ExplanationMethod,
  model: string,
  parameters: Record<string, unknown>,
  changes: object = {},
): Promise<Record<string, unknown>> {
  const version = await explainedVersion(findModel(model), {
    background: fixtureOf(model).rows.slice(0, 4),
  });
  const inputs = fixtureOf(model).rows;
  const own = method.parameters.strict().parse(parameters);
  const plan = await method.plan(explanationRequest(version, inputs, own, changes));
  const found = (await plan.explain()) as Record<string, unknown>;
  expect(found.runs).toBe(version.rows);
  expect(version.rows).toBeLessThanOrEqual(plan.runs);
  return found;
}

describe("permutation importance", () => {
  test.each([
    ["iris-logistic", "accuracy"],
    ["iris-logistic", "log_loss"],
    ["diabetes-ridge", "r2"],
    ["diabetes-ridge", "rmse"],
  ] as const)(
    "of %s by %s is that of scikit-learn for the same permutations, within 1e-6",
    async (name, metric) => {
      const { rows, truths, permutations, importances } = fixtureOf(name);
      const expected = importances[SCORINGS[metric]];
      const isOfClasses = METRIC_DEFINITIONS[metric].isOfClasses;
      const version = await explainedVersion(findModel(name));
      const table = await openGlobalTable(
        { background: undefined, backgroundRows: undefined, version, inputs: rows },
        isOfClasses ? "probability" : "output",
      );
      const options = {
        metric: METRIC_DEFINITIONS[metric],
        truths,
        outputs: isOfClasses ? [0, 1, 2] : [0],
      };
      const score = await scoreOf(table, options);
      const scale = Math.max(1, Math.abs(score));
      expect(Math.abs(score - (expected?.score ?? Number.NaN))).toBeLessThan(1e-6 * scale);
      for (let column = 0; column < (rows[0]?.length ?? 0); column++) {
        const found = await importanceOf(table, options, column, score, permutations);
        for (const [repeat, value] of found.importances.entries())
          expect(
            Math.abs(value - (expected?.importances[column]?.[repeat] ?? Number.NaN)),
          ).toBeLessThan(1e-6 * scale);
        expect(Math.abs(found.mean - (expected?.mean[column] ?? Number.NaN))).toBeLessThan(
          1e-6 * scale,
        );
        expect(Math.abs(found.deviation - (expected?.std[column] ?? Number.NaN))).toBeLessThan(
          1e-6 * scale,
        );
      }
    },
  );

  test("of a request draws its own permutations, the same ones for the same seed", async () => {
    const labels = ["setosa", "versicolor", "virginica"];
    const truth = fixtureOf("iris-logistic").truths.map((index) => labels[index]);
    const parameters = { truth, repeats: 20, features: ["petal length (cm)", 0] };
    const first = await explain(permutationImportanceMethod, "iris-logistic", parameters);
    expect(first).toMatchObject({
      metric: "accuracy",
      score: 0.625,
      repeats: 20,
      runs: 16 * 41,
      seed: 0,
      feature_names: ["petal length (cm)", "sepal length (cm)"],
    });
    expect(await explain(permutationImportanceMethod, "iris-logistic", parameters)).toEqual(first);
    const other = await explain(permutationImportanceMethod, "iris-logistic", parameters, {
      seed: 1,
    });
    expect(other.importances).not.toEqual(first.importances);
  });

  test("streams each feature before the whole", async () => {
    const { rows, truths } = fixtureOf("diabetes-ridge");
    const version = await explainedVersion(findModel("diabetes-ridge"));
    const own = permutationImportanceMethod.parameters.parse({ truth: truths, features: [2, 3] });
    const plan = await permutationImportanceMethod.plan(explanationRequest(version, rows, own));
    const parts: object[] = [];
    for await (const part of plan.stream?.() ?? []) parts.push(part);
    expect(parts).toMatchObject([
      { feature_name: "bmi" },
      { feature_name: "bp" },
      { method: "permutation_importance", metric: "r2", feature_names: ["bmi", "bp"] },
    ]);
  });

  test.each([
    [
      {},
      /needs "parameters.truth", a list with the right label of each of the 16 rows; it is missing/,
    ],
    [{ truth: ["setosa"] }, /of the 16 rows; got 1/],
    [
      { truth: Array(16).fill("rose") },
      /"parameters.truth\[0\]" must be one of setosa, versicolor, virginica; got "rose"/,
    ],
    [
      { truth: Array(16).fill("setosa"), metric: "r2" },
      /cannot be r2 for .*iris-logistic.*: send accuracy or log_loss/,
    ],
    [
      { truth: Array(16).fill("setosa"), features: ["petals"] },
      /has "petals", which is no feature of the model: they are sepal length \(cm\)/,
    ],
    [
      { truth: Array(16).fill("setosa"), repeats: 100 },
      /needs 6416 runs of the model at least for 4 features of 16 rows/,
    ],
  ])("of a request with %j is refused", async (parameters, message) => {
    await expect(
      explain(permutationImportanceMethod, "iris-logistic", parameters, { limit: 1000 }),
    ).rejects.toMatchObject({ code: "invalid_request", message: expect.stringMatching(message) });
  });

  test("draws permutations of which each place gets each row equally often", () => {
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    for (const order of drawPermutations(4, 4000, createSeededRandom(3))) {
      expect([...order].sort()).toEqual([0, 1, 2, 3]);
      for (const [place, row] of order.entries())
        (counts[place] as number[])[row] = (counts[place]?.[row] ?? 0) + 1;
    }
    // Of a binomial distribution, five standard deviations.
    for (const count of counts.flat())
      expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(4000 * 0.25 * 0.75));
  });
});

describe("partial dependence", () => {
  test.each(["iris-logistic", "diabetes-ridge"])(
    "of %s is that of scikit-learn, within 1e-6",
    async (name) => {
      const { dependences, rows } = fixtureOf(name);
      const found = await explain(partialDependenceMethod, name, { points, kind: "both" });
      const isList = name === "iris-logistic";
      const curves = found.partial_dependence as {
        grid_values: number[];
        average: number[] | number[][];
        individual: number[][] | number[][][];
      }[];
      expect(curves).toHaveLength(rows[0]?.length ?? 0);
      for (const [column, curve] of curves.entries()) {
        const expected = dependences[column];
        const individual = (isList ? curve.individual : [curve.individual]) as number[][][];
        expectClose(curve.grid_values, expected?.grid);
        expectClose((curve.average as number[][]).flat() as number[], expected?.average.flat());
        expectClose(
          individual.map((ofRows) => ofRows.slice(0, 3)).flat(2),
          expected?.individual.flat(2),
        );
        expect(individual[0]).toHaveLength(rows.length);
      }
    },
  );

  test("of one output has numbers, and each feature is streamed", async () => {
    const { rows } = fixtureOf("iris-logistic");
    const version = await explainedVersion(findModel("iris-logistic"));
    const own = partialDependenceMethod.parameters.parse({ points, features: [0, 2] });
    const plan = await partialDependenceMethod.plan(
      explanationRequest(version, rows, own, { output: "setosa" }),
    );
    const parts: Record<string, unknown>[] = [];
    for await (const part of plan.stream?.() ?? []) parts.push(part as Record<string, unknown>);
    expect(parts).toHaveLength(3);
    expectClose(
      parts[1]?.average as number[],
      fixtureOf("iris-logistic").dependences[2]?.average[0],
    );
    expect(parts[2]).toMatchObject({
      method: "partial_dependence",
      exact: true,
      output_names: ["setosa"],
      runs: 2 * points * rows.length,
      partial_dependence: parts.slice(0, 2),
    });
  });
});

test("lines of more rows than an answer may have are refused", async () => {
  const rows = Array.from({ length: 900 }, (_, index) => [
    index,
    index % 7,
    index % 11,
    index % 13,
  ]);
  const version = await explainedVersion(findModel("iris-logistic"));
  const own = partialDependenceMethod.parameters.parse({ kind: "both", points: 100 });
  await expect(
    partialDependenceMethod.plan(explanationRequest(version, rows, own)),
  ).rejects.toMatchObject({
    code: "invalid_request",
    // 100 + 7 + 11 + 13 values, 900 rows and 3 outputs.
    message: expect.stringContaining("would have 353700 numbers, and may have 200000"),
  });
});

describe("mean absolute values", () => {
  const method = METHODS.find(({ name }) => name === "mean_absolute") as ExplanationMethod;

  test("are the means of the values of the rows", async () => {
    const { rows } = fixtureOf("diabetes-ridge");
    const background = rows.slice(0, 4);
    const permutation = METHODS.find(({ name }) => name === "permutation") as ExplanationMethod;
    const version = await explainedVersion(findModel("diabetes-ridge"), { background });
    const sums = Array(10).fill(0);
    for (const row of rows) {
      const own = permutation.parameters.parse({});
      const request = explanationRequest(version, row, own, { maxRuns: 200 });
      const { values } = (await (await permutation.plan(request)).explain()) as {
        values: number[];
      };
      for (const [column, value] of values.entries()) sums[column] += Math.abs(value) / rows.length;
    }
    const found = await explain(
      method,
      "diabetes-ridge",
      { by: "permutation" },
      { maxRuns: 200 * 16 },
    );
    expect(found).toMatchObject({
      by: "permutation",
      exact: false,
      rows: 16,
      seed: 0,
      space: "output",
    });
    expectClose(found.values as number[], sums, 1e-9);
  });

  test("have a list for each feature of a classifier, and are streamed with how far they have come", async () => {
    const { rows } = fixtureOf("iris-logistic");
    const version = await explainedVersion(findModel("iris-logistic"), {
      background: rows.slice(0, 4),
    });
    const own = method.parameters.parse({ by: "exact" });
    const plan = await method.plan(explanationRequest(version, rows.slice(0, 5), own));
    const parts: Record<string, unknown>[] = [];
    for await (const part of plan.stream?.() ?? []) parts.push(part as Record<string, unknown>);
    expect(parts.slice(0, -1)).toMatchObject([1, 2, 3, 4].map((done) => ({ rows: done, of: 5 })));
    expect(parts.at(-1)).toMatchObject({ by: "exact", exact: true, rows: 5, seed: null });
    const values = parts.at(-1)?.values as number[][];
    expect(values.map(({ length }) => length)).toEqual([3, 3, 3, 3]);
    expect(version.rows).toBe(plan.runs);
  });

  test("by a method that is not there are refused", async () => {
    await expect(explain(method, "iris-logistic", { by: "magic" })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/"parameters.by" must be one of .*exact.*; got "magic"/),
    });
  });
});

function expectClose(
  found: readonly number[],
  expected: readonly number[] = [],
  within = 1e-6,
): void {
  expect(found).toHaveLength(expected.length);
  for (const [index, value] of found.entries())
    expect(Math.abs(value - (expected[index] ?? Number.NaN))).toBeLessThan(
      within * Math.max(1, Math.abs(value)),
    );
}

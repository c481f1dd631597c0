import { describe, expect, test } from "vitest";
import type {
  Explanation,
  ExplanationSpace,
} from "../../../../src/domain/explanation/explanation.ts";
import { exactMethod } from "../../../../src/explain/methods/exact-method.ts";
import { kernelMethod } from "../../../../src/explain/methods/kernel-method.ts";
import { permutationMethod } from "../../../../src/explain/methods/permutation-method.ts";
import { explain, explainedRows, readExplanations } from "../../../support/explained-tables.ts";
import { explainedVersion, explanationRequest } from "../../../support/explained-version.ts";
import { findModel } from "../../../support/publish.ts";

/** Compared with the package shap: test/fixtures/explanations, made by recipes/explanation_fixtures.py. */

interface Found {
  /** By row and column, and by output where there are several. */
  readonly values: readonly (readonly (readonly number[] | number)[])[];
  readonly base?: readonly (readonly number[] | number)[];
  readonly std_error?: Found["values"];
}
const shapley = readExplanations<{
  readonly exact: Readonly<Record<string, Readonly<Record<string, Found>>>>;
  readonly kernel: Readonly<Record<string, Found>>;
  readonly permutation: Readonly<Record<string, Found>>;
}>("shapley.json");

const CASES = Object.entries(shapley.exact)
  .filter(([name]) => name !== "wine-naive-bayes")
  .flatMap(([name, spaces]) =>
    Object.entries(spaces).map(([space, found]) => ({ name, space, found })),
  );

/** Both engines compute in FP32. */
function closeTo(value: number, scale: number) {
  return expect.toSatisfy(
    (actual: number) => Math.abs(actual - value) <= 1e-6 * scale,
    String(value),
  );
}

describe.each(CASES)("$name, $space", ({ name, space, found }) => {
  test("has the values of shap's ExactExplainer", async () => {
    const { version, rows } = await explainedRows(name);
    for (const [index, row] of rows.entries()) {
      const answer = await explain(exactMethod, version, row, {
        output: "all",
        space: space as ExplanationSpace,
      });
      expect(answer).toMatchObject({
        method: "exact",
        exact: true,
        space,
        std_error: null,
        seed: null,
      });
      const scale = Math.max(1, ...[answer.output].flat().map(Math.abs));
      expect(answer.values.flat()).toEqual(
        (found.values[index] ?? []).flat().map((value) => closeTo(value, scale)),
      );
      expect([answer.base_value].flat()).toEqual(
        [found.base?.[index] ?? []].flat().map((value) => closeTo(value, scale)),
      );
      expect(answer.additivity_error).toBeLessThan(1e-9);
    }
  });
});

describe.each([
  { method: kernelMethod, found: shapley.kernel },
  { method: permutationMethod, found: shapley.permutation },
])("$method.name", ({ method, found }) => {
  test.each(Object.keys(found))(
    "has the values of shap for %s, within three standard errors",
    async (name) => {
      const { version, rows } = await explainedRows(name);
      const expected = found[name];
      for (const [index, row] of rows.entries()) {
        const answer = await explain(method, version, row, { output: "all", seed: 1 });
        expect(answer).toMatchObject({ exact: false, space: "probability", seed: 1 });
        expect(answer.additivity_error).toBeLessThan(1e-9);
        const [values, errors] = [answer.values.flat(), answer.std_error?.flat() ?? []];
        const theirs = (expected?.values[index] ?? []).flat();
        const theirErrors = (expected?.std_error?.[index] ?? []).flat();
        expect(values).toHaveLength(theirs.length);
        const far = values.filter((value, at) => {
          const error = Math.hypot(errors[at] ?? 0, theirErrors[at] ?? 0);
          return Math.abs(value - (theirs[at] ?? 0)) > 3 * error + 1e-6;
        });
        // One in 370 is farther; of two labels, the values of one are those of the other.
        expect(far.length).toBeLessThanOrEqual(answer.output_names.length);
        expect(Math.max(...errors)).toBeGreaterThan(0);
      }
    },
  );
});

test("kernel of all coalitions has the values of shap's ExactExplainer", async () => {
  const { version, rows } = await explainedRows("wine-naive-bayes");
  const found = shapley.exact["wine-naive-bayes"]?.probability;
  const answer = await explain(kernelMethod, version, rows[0], { output: "all", maxRuns: 150_000 });
  expect(answer.runs).toBe(1 + (2 ** 13 - 1) * 14);
  expect(answer.values.flat()).toEqual(
    (found?.values[0] ?? []).flat().map((value) => closeTo(value, 1)),
  );
  expect(answer).toMatchObject({ exact: true, std_error: null });
});

describe("a sampled explanation", () => {
  test("is of the predicted label, or of the one that is asked for", async () => {
    const { version, rows } = await explainedRows("wine-naive-bayes");
    const all = await explain(permutationMethod, version, rows[0], { output: "all" });
    const predicted = await explain(permutationMethod, version, rows[0]);
    const outputs = all.output as readonly number[];
    const best = outputs.indexOf(Math.max(...outputs));
    expect(predicted.output_names).toEqual([all.output_names[best]]);
    expect(predicted.output).toBe(outputs[best]);
    expect(predicted.values).toEqual(
      (all.values as readonly number[][]).map((ofColumn) => ofColumn[best]),
    );
    for (const output of ["class_1", 1, "1"]) {
      const one = await explain(permutationMethod, version, rows[0], { output });
      expect(one.output_names).toEqual(["class_1"]);
    }
  });

  test("runs as many rows as were planned, within max_runs", async () => {
    const { version, rows } = await explainedRows("breast-cancer-mlp");
    for (const method of [kernelMethod, permutationMethod]) {
      const plan = await method.plan(explanationRequest(version, rows[0], {}, { maxRuns: 5000 }));
      expect(plan.runs).toBeLessThanOrEqual(5000);
      expect(plan.runs).toBeGreaterThan(4000);
      const before = version.rows;
      const { runs } = (await plan.explain()) as Explanation;
      expect(version.rows - before).toBe(runs);
      expect(runs).toBeLessThanOrEqual(plan.runs);
    }
  });

  test("says how many runs it needs where it may not have them", async () => {
    const { version, rows } = await explainedRows("breast-cancer-mlp");
    const request = explanationRequest(version, rows[0], {}, { maxRuns: 1000 });
    await expect(permutationMethod.plan(request)).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("needs 1639 runs"),
      details: { field: "parameters.max_runs", needed: 1639, limit: 1000 },
    });
    const limited = explanationRequest(version, rows[0], {}, { limit: 900 });
    await expect(kernelMethod.plan(limited)).rejects.toMatchObject({ details: { limit: 900 } });
  });
});

describe("columns that are the same in the row and all of the background", () => {
  test("have no part in the game, and 0", async () => {
    const { version, rows, background } = await explainedRows("wine-naive-bayes");
    const row = rows[0] as readonly number[];
    const same = background.map((other) =>
      (other as readonly number[]).map((value, column) => (column < 4 ? row[column] : value)),
    );
    const answer = await explain(exactMethod, version, row, { background: same });
    expect(answer.values.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(answer.runs).toBe(1 + (2 ** 9 - 1) * background.length);
    expect(answer.additivity_error).toBeLessThan(1e-9);
    const none = await explain(exactMethod, version, row, { background: [row] });
    expect(none).toMatchObject({ runs: 1, base_value: none.output });
  });
});

describe("a request that is not valid", () => {
  test.each([
    {
      what: "too many features for exact",
      model: "breast-cancer-mlp",
      changes: {},
      message:
        /at most 11 features; the row has 30 that differ from the background.* kernel or permutation/,
    },
    {
      what: "an unknown label",
      model: "iris-logistic",
      changes: { output: "rose" },
      message: /"parameters\.output" must be one of setosa, versicolor, virginica/,
    },
    {
      what: "an output beyond the last",
      model: "diabetes-ridge",
      changes: { output: 1 },
      message: /index from 0 to 0/,
    },
    {
      what: "a space that is not there",
      model: "diabetes-ridge",
      changes: { space: "margin" as const },
      message: /"parameters\.space" cannot be margin/,
    },
    {
      what: "several rows",
      model: "iris-logistic",
      changes: {
        inputs: [
          [1, 2, 3, 4],
          [1, 2, 3, 4],
        ],
      },
      message: /An explanation is of one row, and the input has 2/,
    },
    {
      what: "a column that is not there",
      model: "iris-logistic",
      changes: { inputs: { petal: 1 } },
      message: /unknown: "petal"/,
    },
  ])("$what", async ({ model, changes, message }) => {
    const { version, rows } = await explainedRows(model);
    const request = explanationRequest(version, rows[0], {}, changes);
    const explained = exactMethod.plan(request).then((plan) => plan.explain());
    await expect(explained).rejects.toMatchObject({
      kind: { status: 400 },
      message: expect.stringMatching(message),
    });
  });

  test("what divides pictures, of a table", async () => {
    const { version, rows } = await explainedRows("iris-logistic");
    const request = explanationRequest(
      version,
      rows[0],
      kernelMethod.parameters.parse({ grid: [7, 7] }),
    );
    await expect(kernelMethod.plan(request)).rejects.toMatchObject({
      details: { field: "parameters.grid" },
    });
  });

  test("no background", async () => {
    const version = await explainedVersion(findModel("iris-logistic"));
    const request = explanationRequest(version, [5.1, 3.5, 1.4, 0.2], {});
    for (const method of [exactMethod, kernelMethod, permutationMethod])
      await expect(method.plan(request)).rejects.toMatchObject({ code: "background_missing" });
    expect(await exactMethod.suits(request)).toBe(false);
    expect(await permutationMethod.suits(request)).toBe(true);
  });
});

test("exact suits tables of few columns, within the runs that there may be", async () => {
  const { version, rows } = await explainedRows("iris-logistic");
  expect(await exactMethod.suits(explanationRequest(version, rows[0], {}))).toBe(true);
  expect(await exactMethod.suits(explanationRequest(version, rows[0], {}, { maxRuns: 100 }))).toBe(
    false,
  );
  const wide = await explainedRows("breast-cancer-mlp");
  expect(await exactMethod.suits(explanationRequest(wide.version, wide.rows[0], {}))).toBe(false);
  const text = findModel("spam-detection");
  const other = { ...version, model: { ...version.model, manifest: text.manifest } };
  expect(await exactMethod.suits(explanationRequest(other, "text", {}))).toBe(false);
});

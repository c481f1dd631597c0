import { describe, expect, test } from "vitest";
import { counterfactualMethod } from "../../../../src/explain/counterfactual/counterfactual-method.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";
import { explain, explainedRows } from "../../../support/explained-tables.ts";
import {
  explainedVersion,
  explanationRequest,
  floatTensor,
  rowsOf,
  type TestVersion,
} from "../../../support/explained-version.ts";
import { findModel } from "../../../support/publish.ts";

interface Counterfactual {
  readonly data: readonly (number | string | null)[];
  readonly output_name: string;
  readonly output: number;
  readonly changes: Readonly<Record<string, readonly [unknown, unknown]>>;
  readonly distance: number;
}
interface Answer {
  readonly output: number;
  readonly output_names: readonly string[];
  readonly counterfactuals: readonly Counterfactual[];
  readonly note: string | null;
  readonly runs: number;
}

const find = (version: TestVersion, row: unknown, parameters: object = {}, changes: object = {}) =>
  explain<Answer>(counterfactualMethod, version, row, { parameters, ...changes });

/** The label of a row by the task itself. */
async function predict(version: TestVersion, row: unknown): Promise<{ label: string }> {
  const result = await version.execute({ inputs: row, parameters: {} }, 1);
  return (result as { value: readonly { label: string }[] }).value[0] as { label: string };
}

describe.each([
  "iris-logistic",
  "penguins-gradient-boosting",
  "wine-naive-bayes",
  "breast-cancer-mlp",
  "breast-cancer-gradient-boosting",
  "wine-decision-tree",
])("of %s", (name) => {
  test("the task itself predicts another label of each", async () => {
    const { version, rows } = await explainedRows(name);
    for (const row of rows) {
      const { counterfactuals, output_names, note } = await find(version, row, { count: 3 });
      expect(note).toBeNull();
      expect(counterfactuals.length).toBeGreaterThan(0);
      const own = await predict(version, row);
      expect(output_names).toEqual([own.label]);
      for (const { data, output_name, changes, distance } of counterfactuals) {
        expect(await predict(version, data)).toMatchObject({ label: output_name });
        expect(output_name).not.toBe(own.label);
        expect(distance).toBeGreaterThan(0);
        expect(Object.keys(changes).length).toBeGreaterThan(0);
      }
      expect(counterfactuals.map(({ distance }) => distance)).toEqual(
        counterfactuals.map(({ distance }) => distance).sort((a, b) => a - b),
      );
    }
  });
});

describe("of a linear boundary", () => {
  const COLUMNS = ["age", "income", "debt", "score"];
  const WEIGHTS = [0.02, 0.5, -0.8, 0.1];
  const random = createSeededRandom(6);
  const manifest = (() => {
    const base = findModel("breast-cancer-mlp").manifest;
    return {
      ...base,
      labels: ["refused", "granted"],
      inputs: [{ ...base.inputs[0], name: "features", shape: ["batch", 4] }] as typeof base.inputs,
      preprocess: {
        type: "tabular",
        version: 1,
        input: "features",
        columns: COLUMNS,
        categories: {},
        missing: {},
      } as const,
    };
  })();
  const background = Array.from({ length: 60 }, () => [
    20 + Math.floor(50 * random()),
    Math.round(100 * random()) / 10,
    Math.round(100 * random()) / 10,
    Math.round(10_000 * random()) / 1000,
  ]);
  const margin = (row: readonly number[]) =>
    row.reduce((sum, value, column) => sum + value * (WEIGHTS[column] as number), -1);
  const version = () =>
    explainedVersion(
      { ...findModel("breast-cancer-mlp"), manifest },
      {
        background,
        compute: (inputs) => {
          const rows = rowsOf(inputs);
          return [
            floatTensor(
              "probability",
              [rows.length, 1],
              rows.map((row) => 1 / (1 + Math.exp(-margin(row)))),
            ),
          ];
        },
      },
    );
  const ROW = [30, 4.2, 5.1, 2.5];

  test("the change is hardly more than the least that there is", async () => {
    const { counterfactuals, output_names } = await find(await version(), ROW);
    expect(output_names).toEqual(["refused"]);
    const [best] = counterfactuals;
    expect(best?.output_name).toBe("granted");
    const ranges = COLUMNS.map((_, column) => {
      const values = [ROW, ...background].map((row) => row[column] as number);
      return Math.max(...values) - Math.min(...values);
    });
    // All of the change in the column that has the most effect within its range.
    const least = Math.min(
      ...WEIGHTS.map(
        (weight, column) => -margin(ROW) / Math.abs(weight) / (ranges[column] as number),
      ),
    );
    expect(best?.distance).toBeLessThan((1.05 * least) / 4);
    expect(best?.distance).toBeGreaterThanOrEqual(least / 4 - 1e-9);
    expect(Object.keys(best?.changes ?? {})).toEqual(["debt"]);
    // One decimal, as the data have.
    const to = best?.changes.debt?.[1] as number;
    expect(to).toBe(Math.round(10 * to) / 10);
  });

  test("only allowed columns are changed, and integers stay integers", async () => {
    const { counterfactuals } = await find(await version(), [60, 2, 1.5, 2.5], {
      columns: ["age", "score"],
      target: "refused",
    });
    for (const { data, changes } of counterfactuals) {
      expect(Object.keys(changes).every((column) => ["age", "score"].includes(column))).toBe(true);
      expect(Number.isInteger(data[0])).toBe(true);
    }
    const { counterfactuals: older } = await find(await version(), [60, 3, 1.8, 2.4], {
      columns: ["age"],
    });
    expect(older.map(({ changes }) => changes)).toEqual([{ age: [60, expect.any(Number)] }]);
    const age = older[0]?.data[0] as number;
    expect(margin([age, 3, 1.8, 2.4]) > 0).not.toBe(margin([60, 3, 1.8, 2.4]) > 0);
    expect(Number.isInteger(age)).toBe(true);
  });

  test("several are of different columns", async () => {
    const { counterfactuals } = await find(await version(), ROW, { count: 3 });
    expect(counterfactuals).toHaveLength(3);
    expect(new Set(counterfactuals.map(({ changes }) => Object.keys(changes).join())).size).toBe(3);
  });

  test("where there is none among the values of the background, it says so", async () => {
    const { counterfactuals, note } = await find(await version(), ROW, { columns: ["age"] });
    expect(counterfactuals).toEqual([]);
    expect(note).toMatch(
      /^No change of the allowed columns was found that changes the label among the values of the background/,
    );
    const few = await find(
      await version(),
      ROW,
      { columns: ["age", "score"], target: 1 },
      { maxRuns: 70 },
    );
    expect(few.note).toMatch(/gives the label granted within 69 runs; raise max_runs/);
    expect(few.runs).toBeLessThanOrEqual(70);
  });
});

test("categories become others of the column, and missing values stay or are filled", async () => {
  const { version, background } = await explainedRows("penguins-gradient-boosting");
  const row = ["Torgersen", null, 18.7, 190, 3800, "male"];
  const { counterfactuals } = await find(version, row, { count: 5 });
  expect(counterfactuals.length).toBeGreaterThan(0);
  for (const { data } of counterfactuals) {
    expect(["Biscoe", "Dream", "Torgersen"]).toContain(data[0]);
    expect(["male", "female"]).toContain(data[5]);
  }
  expect(background).toHaveLength(14);
});

test("clusters have counterfactuals of the nearest centre", async () => {
  const { version, rows } = await explainedRows("iris-kmeans");
  const answer = await find(version, rows[0]);
  const [found] = answer.counterfactuals;
  expect(found?.output_name).not.toBe(answer.output_names[0]);
  expect(await predict(version, found?.data)).toMatchObject({ label: found?.output_name });
});

describe("a request that is not valid", () => {
  test.each([
    {
      what: "a regression",
      model: "diabetes-ridge",
      parameters: {},
      message: /changes a predicted label, and .* predicts numbers/,
    },
    {
      what: "an unknown label",
      model: "iris-logistic",
      parameters: { target: "rose" },
      message: /"parameters.target" must be one of setosa, versicolor, virginica/,
    },
    {
      what: "an unknown column",
      model: "iris-logistic",
      parameters: { columns: ["petal"] },
      message: /"parameters.columns" has "petal"/,
    },
  ])("$what", async ({ model, parameters, message }) => {
    const { version, rows } = await explainedRows(model);
    const request = explanationRequest(version, rows[0], parameters);
    await expect(counterfactualMethod.plan(request)).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(message),
    });
  });

  test("the label that is predicted already", async () => {
    const { version, rows } = await explainedRows("iris-logistic");
    const { label } = await predict(version, rows[0]);
    await expect(find(version, rows[0], { target: label })).rejects.toMatchObject({
      message: expect.stringContaining("predicts of the input already"),
    });
  });
});

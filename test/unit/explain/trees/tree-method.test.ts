import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FolderModel } from "../../../../packages/cli/src/local/model-folder.ts";
import type {
  Explanation,
  ExplanationSpace,
} from "../../../../src/domain/explanation/explanation.ts";
import { parseManifest } from "../../../../src/domain/manifest.ts";
import type { ExplanationRequest } from "../../../../src/explain/method.ts";
import { treeMethod } from "../../../../src/explain/trees/tree-method.ts";
import {
  explainedVersion,
  explanationRequest,
  floatTensor,
  rowsOf,
  type TestVersion,
} from "../../../support/explained-version.ts";

/** Expected values come from Python's shap (recipes/tree_explanation_fixtures.py). */
interface Answers {
  /** By output of the trees. */
  readonly base: readonly number[];
  /** By row, by column, by output of the trees. */
  readonly values: readonly (readonly (readonly number[])[])[];
  readonly output: readonly (readonly number[])[];
}

interface Fixture {
  readonly rows: readonly (readonly (number | null)[])[];
  readonly background?: readonly (readonly (number | null)[])[];
  readonly margin?: Answers;
  readonly probability?: Answers;
  readonly pathDependent?: Answers;
}

const FOLDER = join(import.meta.dirname, "../../../fixtures/explanations/trees");

const CLASSIFIERS = [
  { name: "decision-tree", labels: 3, holdsProbabilities: true },
  { name: "random-forest", labels: 3, holdsProbabilities: true },
  { name: "sklearn-boosting", labels: 2 },
  { name: "histogram-boosting", labels: 2 },
  { name: "lightgbm-binary", labels: 2 },
  { name: "lightgbm-classes", labels: 3 },
  { name: "xgboost-binary", labels: 2 },
  { name: "xgboost-classes", labels: 3 },
  { name: "catboost-binary", labels: 2 },
  { name: "one-hot-pipeline", labels: 2 },
] as const;

const REGRESSIONS = [
  { name: "forest-regression", output: "variable" },
  { name: "several-targets", output: "variable" },
  { name: "sklearn-boosting-regression", output: "variable" },
  { name: "xgboost-regression", output: "variable" },
  { name: "catboost-regression", output: "predictions" },
  { name: "set-membership", output: "output" },
] as const;

describe("values are those of shap", () => {
  for (const { name, labels, ...rest } of CLASSIFIERS)
    test(`${name}, by label`, async () => {
      const { fixture, version } = await load(name, "probabilities", labels);
      const spaces: [ExplanationSpace, Answers][] = [];
      const isProbability = "holdsProbabilities" in rest;
      if (fixture.margin) spaces.push([isProbability ? "probability" : "margin", fixture.margin]);
      if (fixture.probability) spaces.push(["probability", fixture.probability]);
      for (const [space, answers] of spaces) {
        for (const [index, row] of fixture.rows.entries()) {
          const found = await explain(version, row, { space, output: "all" });
          expect(found).toMatchObject({
            method: "tree",
            // Values that are scaled by the link add up, and are not those of the probability.
            exact: space === "margin" || isProbability,
            space,
            runs: 0,
            seed: null,
            std_error: null,
          });
          expect(found.output_names).toEqual(labelsOf(labels));
          expectAnswer(found, answers, index, space);
          const one = await explain(version, row, { space, output: "class 1" });
          expect(one.values).toEqual((found.values as number[][]).map((values) => values[1]));
        }
      }
      expect(version.rows).toBe(0);
    });

  for (const { name, output } of REGRESSIONS)
    test(name, async () => {
      const { fixture, version } = await load(name, output);
      for (const [index, row] of fixture.rows.entries()) {
        const found = await explain(version, row, { output: "all" });
        expect(found.space).toBe("output");
        expectAnswer(found, fixture.margin as Answers, index, "output");
      }
    });

  test("covers, of the trees themselves", async () => {
    const { fixture, version } = await load("covers", "probabilities", 3);
    for (const [index, row] of fixture.rows.entries())
      expectAnswer(
        await explain(version, row, { output: "all" }),
        fixture.pathDependent as Answers,
        index,
        "probability",
      );
  });
});

describe("the outputs that are explained are the engine's", () => {
  for (const { name, output, labels } of [
    ...CLASSIFIERS.map(({ name, labels }) => ({ name, labels, output: "probabilities" })),
    ...REGRESSIONS.map(({ name, output }) => ({ name, output, labels: undefined })),
  ])
    test(name, async () => {
      const { fixture, version } = await load(name, output, labels);
      const [input] = version.model.manifest.inputs;
      const rows = fixture.rows.map((row) => row.map((value) => value ?? Number.NaN));
      const shape = [rows.length, rows[0]?.length ?? 0];
      const tensor = floatTensor(input?.name ?? "", shape, rows.flat());
      const [scores] = await version.infer([tensor], [output], rows.length);
      const expected = rowsOf(scores ? [scores] : []);
      for (const [index, row] of fixture.rows.entries()) {
        const found = await explain(version, row, { space: "output", output: "all" });
        expectClose(found.output, expected[index] ?? []);
      }
    });
});

describe("what trees do not have is refused", () => {
  test("margins of trees that hold probabilities, and probabilities of numbers", async () => {
    const forest = await load("random-forest", "probabilities", 3);
    const [row] = forest.fixture.rows;
    await expect(explain(forest.version, row, { space: "margin" })).rejects.toMatchObject({
      code: "invalid_request",
      details: { field: "space", valid: ["probability", "output"] },
    });
    const numbers = await load("forest-regression", "variable");
    const [other] = numbers.fixture.rows;
    await expect(explain(numbers.version, other, { space: "probability" })).rejects.toMatchObject({
      code: "invalid_request",
      details: { field: "space", valid: ["output"] },
    });
  });

  test("background rows that are not there, and covers that are not", async () => {
    const { fixture, version } = await load("sklearn-boosting", "probabilities", 2);
    const without = { ...version, background: async () => undefined } as TestVersion;
    await expect(explain(without, fixture.rows[0], {})).rejects.toMatchObject({
      code: "background_missing",
    });
    const parameters = { perturbation: "path_dependent" } as const;
    await expect(explain(version, fixture.rows[0], { parameters })).rejects.toMatchObject({
      code: "invalid_request",
      details: { field: "perturbation", valid: ["interventional"] },
    });
  });
});

function labelsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `class ${index}`);
}

async function load(
  name: string,
  output: string,
  labels?: number,
): Promise<{ fixture: Fixture; version: TestVersion }> {
  const fixture: Fixture = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8"));
  const columns = fixture.rows[0]?.length ?? 0;
  const names = Array.from({ length: columns }, (_, column) => `column ${column}`);
  const file = `${name}.onnx`;
  const bytes = readFileSync(join(FOLDER, file));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const input = name.startsWith("catboost") ? "features" : "input";
  const manifest = parseManifest({
    schemaVersion: 1,
    name,
    version: "1",
    createdAt: "2026-12-01T00:00:00Z",
    format: "onnx",
    file,
    files: [{ path: file, sizeBytes: bytes.length, sha256 }],
    inputs: [{ name: input, datatype: "FP32", shape: ["batch", columns] }],
    outputs: [{ name: output, datatype: "FP32", shape: ["batch", labels ?? "targets"] }],
    ...(labels === undefined ? {} : { labels: labelsOf(labels) }),
    task: labels === undefined ? "tabular-regression" : "tabular-classification",
    preprocess: {
      type: "tabular",
      version: 1,
      input,
      columns: names,
      missing: Object.fromEntries(names.map((column) => [column, "nan"])),
    },
    postprocess:
      labels === undefined
        ? { type: "regression", version: 1, output }
        : { type: "classification", version: 1, scores: output, activation: "none" },
  });
  const model: FolderModel = { manifest, manifestText: "", folder: FOLDER };
  return { fixture, version: await explainedVersion(model, { background: fixture.background }) };
}

async function explain(
  version: TestVersion,
  row: unknown,
  changes: Partial<ExplanationRequest>,
): Promise<Explanation> {
  const planned = await treeMethod.plan(explanationRequest(version, row, {}, changes as never));
  expect(planned.runs).toBe(0);
  return (await planned.explain()) as Explanation;
}

/** @param answers of a binary classifier have the margin of its second label only */
function expectAnswer(found: Explanation, answers: Answers, row: number, space: string): void {
  const width = found.output_names.length;
  const mirrors = width === 2 && answers.base.length === 1;
  const byOutput = (numbers: readonly number[] = [], whole = 0): number[] =>
    mirrors ? [whole - (numbers[0] ?? 0), numbers[0] ?? 0] : [...numbers];
  const whole = space === "probability" ? 1 : 0;
  expectClose(found.base_value, byOutput(answers.base, whole));
  expectClose(found.output, byOutput(answers.output[row], whole));
  const values = answers.values[row] ?? [];
  expect(found.values).toHaveLength(values.length);
  for (const [column, expected] of values.entries())
    expectClose(found.values[column] as readonly number[], byOutput(expected));
  expect(found.additivity_error).toBeLessThan(1e-9 * Math.max(1, ...answers.output.flat()));
}

/** Within 1e-5, of numbers beyond 10 as a share: FP32 has seven digits. */
function expectClose(actual: number | readonly number[], expected: readonly number[]): void {
  const list = typeof actual === "number" ? [actual] : actual;
  expect(list).toHaveLength(expected.length);
  for (const [at, value] of expected.entries())
    expect(Math.abs((list[at] ?? Number.NaN) - value)).toBeLessThanOrEqual(
      Math.max(1e-5, 1e-6 * Math.abs(value)),
    );
}

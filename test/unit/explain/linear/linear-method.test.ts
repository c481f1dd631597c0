import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { ExplanationSpace } from "../../../../src/domain/explanation/explanation.ts";
import { linearMethod } from "../../../../src/explain/linear/linear-method.ts";
import { softmax } from "../../../../src/shared/activations.ts";
import { explain, explainedRows } from "../../../support/explained-tables.ts";
import { explainedVersion, explanationRequest } from "../../../support/explained-version.ts";
import {
  type LinearFixture,
  linearVersion,
  readLinearFixture,
  type ShapValues,
} from "../../../support/graph-fixtures.ts";
import { findModel } from "../../../support/publish.ts";

/** Compared with the package shap: test/fixtures/explanations/linear, made by recipes/linear_explanation_fixtures.py. */

const NAMES = readdirSync(projectPath("test", "fixtures", "explanations", "linear"))
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));
/** ORT files of the same models. */
const ORT = ["mixed"];
const CASES = NAMES.flatMap((name) => {
  const fixture = readLinearFixture(name);
  const formats = ORT.includes(name) ? (["onnx", "ort"] as const) : (["onnx"] as const);
  return formats.flatMap((format) =>
    Object.entries(fixture.spaces).map(([space, found]) => ({
      name,
      format,
      space,
      fixture,
      found,
    })),
  );
});

/** shap computes with the coefficients in double precision, the models have them in FP32. */
const TOLERANCE = 1e-5;

function closeTo(value: number, scale: number) {
  return expect.toSatisfy(
    (actual: number) => Math.abs(actual - value) <= TOLERANCE * scale,
    String(value),
  );
}

describe.each(CASES)(
  "$name as $format in $space space",
  ({ name, format, space, fixture, found }) => {
    test("has the values of shap", async () => {
      const version = await linearVersion(name, fixture, format);
      for (const [index, row] of fixture.rows.entries()) {
        const answer = await explain(linearMethod, version, row, {
          output: "all",
          space: space as ExplanationSpace,
        });
        expect(answer).toMatchObject({
          method: "linear",
          exact: true,
          space,
          std_error: null,
          runs: 0,
          seed: null,
          data: row,
          output_names: fixture.labels ?? [fixture.output],
        });
        const scale = scaleOf(found, index);
        const values = found.values[index] ?? [];
        expect(answer.values).toEqual(
          values.map((ofColumn) => ofColumn.map((value) => closeTo(value, scale))),
        );
        expect(answer.base_value).toEqual(found.base.map((value) => closeTo(value, scale)));
        expect(answer.additivity_error).toBeLessThan(1e-9 * scale);
        const outputs = toOutputs(answer.output as number[], name, space, fixture);
        expect(outputs).toEqual(
          (fixture.outputs[index] ?? []).map((value) => closeTo(value, 1 + Math.abs(value))),
        );
      }
    });
  },
);

/** Of the values that are compared. */
function scaleOf({ values, base }: ShapValues, index: number): number {
  return Math.max(1, ...[...(values[index] ?? []).flat(), ...base].map(Math.abs));
}

/** What ONNX Runtime has computed, of the margins of the answer. */
function toOutputs(
  margins: number[],
  name: string,
  space: string,
  { outputs, activation }: LinearFixture,
): number[] {
  const logistic = margins.map((margin) => 1 / (1 + Math.exp(-margin)));
  const sum = logistic.reduce((total, value) => total + value, 0);
  if (space !== "margin") return margins;
  if (activation === "sigmoid") return margins.slice(1);
  if (name === "svc" || name === "linear-svc" || activation === "softmax") return margins;
  if (name === "poisson") return margins.map(Math.exp);
  if (["multinomial", "naive-bayes", "matmul-softmax"].includes(name)) return softmax(margins);
  if (["one-vs-rest", "gradient-descent"].includes(name))
    return logistic.map((value) => value / sum);
  return outputs[0]?.length === 1 ? logistic.slice(1) : logistic;
}

describe("a logistic model", () => {
  const fixture = readLinearFixture("logistic");

  test("is explained for the predicted label, in margin space, unless the request says otherwise", async () => {
    const version = await linearVersion("logistic", fixture);
    const [row] = fixture.rows;
    const answer = await explain(linearMethod, version, row);
    const all = await explain(linearMethod, version, row, { output: "all" });
    const label = (all.output as number[])[0] ?? 0;
    expect(label).not.toBe(0);
    const predicted = label > 0 ? 0 : 1;
    expect(answer).toMatchObject({ space: "margin", output_names: [String(predicted)] });
    expect(answer.values).toEqual(all.values.map((values) => (values as number[])[predicted]));
    expect(answer.output).toBeGreaterThan(0);
  });

  test("is explained of background rows that the request has, with the seed by which they are drawn", async () => {
    const version = await linearVersion("logistic", fixture);
    const [row, other] = fixture.rows;
    const answer = await explain(linearMethod, version, row, { background: [row, other] });
    const values = answer.values as number[];
    const own = await explain(linearMethod, version, row, { background: [row] });
    expect(own.values).toEqual(values.map(() => expect.closeTo(0, 12)));
    expect(own.base_value).toBe(own.output);
    expect(answer.seed).toBeNull();
    const drawn = await explain(linearMethod, version, row, { backgroundRows: 3, seed: 5 });
    expect(drawn.seed).toBe(5);
  });

  test("without background rows is refused with what to do", async () => {
    const version = await explainedVersion(findModel("iris-logistic"));
    const request = explanationRequest(version, [5.1, 3.5, 1.4, 0.2], {});
    await expect(linearMethod.plan(request)).rejects.toMatchObject({ code: "background_missing" });
  });
});

test.each([
  {
    name: "breast-cancer-mlp",
    why: "the model's operator Relu makes something of several columns together that is no sum",
  },
  { name: "breast-cancer-svm", why: "the model is a support vector machine with the kernel RBF" },
  {
    name: "iris-kmeans",
    why: "the model's operator Sqrt makes something of several columns together that is no sum",
  },
  { name: "wine-decision-tree", why: 'the model has trees: the method "tree" explains it' },
])("$name is refused with the reason", async ({ name, why }) => {
  const { version, rows } = await explainedRows(name);
  const request = explanationRequest(version, rows[0], {});
  expect(await linearMethod.suits(request)).toBe(false);
  const error = await Promise.resolve(linearMethod.plan(request)).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    code: "invalid_request",
    message: `The method "linear" does not explain model "${name}" version 1: ${why}. Leave method out for one that does.`,
  });
});

test.each(["diabetes-linear", "diabetes-ridge", "iris-logistic", "wine-naive-bayes"])(
  "%s is explained without a method",
  async (name) => {
    const { version, rows } = await explainedRows(name);
    expect(await linearMethod.suits(explanationRequest(version, rows[0], {}))).toBe(true);
  },
);

describe("probabilities of more columns than are enumerated", () => {
  const changes = { space: "probability" } as const;

  test("are left to other methods when the request names none", async () => {
    const { version, rows } = await explainedRows("wine-naive-bayes");
    expect(await linearMethod.suits(explanationRequest(version, rows[0], {}, changes))).toBe(false);
  });

  test("are refused with the methods that explain them", async () => {
    const { version, rows } = await explainedRows("wine-naive-bayes");
    const plan = linearMethod.plan(explanationRequest(version, rows[0], {}, changes));
    await expect(plan).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(
        /13 columns .* up to 11 columns\. Send space "margin", or the method "kernel" or "permutation"/,
      ),
    });
  });
});

test("a row whose score is beyond FP32, where the engine overflows, is refused", async () => {
  const { version } = await explainedRows("wine-naive-bayes");
  const row = new Array(13).fill(3e38);
  await expect(explain(linearMethod, version, row)).rejects.toMatchObject({
    code: "inference_failed",
    message: expect.stringMatching(/^What the column "\w+" adds .* is beyond what FP32 holds/),
  });
});

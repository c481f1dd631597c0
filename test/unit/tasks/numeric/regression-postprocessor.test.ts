import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { type Tensor, toBytes } from "../../../../src/domain/tensor.ts";
import { createRegressionPostprocessor } from "../../../../src/tasks/numeric/regression-postprocessor.ts";
import { catchApiError } from "../../../support/errors.ts";

/** Outputs of several shapes, computed by Python's onnxruntime (reference.py). */
const { models }: { models: Record<string, { shape: unknown[]; output: unknown[] }> } = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "regression", "expected.json"), "utf8"),
);
const postprocessor = createRegressionPostprocessor({
  type: "regression",
  version: 1,
  output: "y",
});

function tensor(shape: readonly number[], values: readonly number[]): Tensor {
  return { name: "y", datatype: "FP64", shape, data: toBytes(Float64Array.from(values)) };
}

const toPredictions = (result: Tensor): readonly unknown[] =>
  postprocessor.toPredictions([result], [], {});

test.each([
  ["vector", (row: number) => row],
  ["column", ([value]: number[]) => value],
  ["targets", (row: number[]) => row],
  ["horizon", (row: number[][]) => row.map(([value]) => value)],
  ["one-step", ([row]: number[][]) => row],
  ["steps-of-targets", (row: number[][]) => row],
] as [string, (row: unknown) => unknown][])(
  "an output of the model %s has one prediction for each row, in their order",
  (name, expected) => {
    const { shape = [], output = [] } = models[name] ?? {};
    const values = output.flat(3) as number[];
    const [, ...ofItem] = shape as number[];
    expect(toPredictions(tensor([output.length, ...ofItem], values))).toEqual(output.map(expected));
  },
);

test.each([[[]], [[2, 0]], [[2, 1, 1, 1]]])(
  "an output of the shape %j is an error of the model's task",
  (shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const result = tensor(shape, Array(size).fill(1));
    expect(catchApiError("task_not_supported", () => toPredictions(result)).message).toContain(
      "[batch], [batch, values] or [batch, steps, targets]",
    );
  },
);

test("NaN in one of several values is an error of the inference", () => {
  const result = tensor([2, 2], [1, 2, 3, Number.NaN]);
  catchApiError("inference_failed", () => toPredictions(result));
});

test("integers beyond 2^53 are written exactly", () => {
  const values = [9007199254740993n, -9223372036854775808n, 7n];
  const result: Tensor = {
    name: "y",
    datatype: "INT64",
    shape: [3],
    data: toBytes(BigInt64Array.from(values)),
  };
  expect(JSON.stringify(toPredictions(result))).toBe(`[${values.join(",")}]`);
});

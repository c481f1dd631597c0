import { expect, test } from "vitest";
import type { ClassificationBlock } from "../../../../src/domain/blocks/postprocess/classification.ts";
import { type Tensor, toBytes } from "../../../../src/domain/tensor.ts";
import { createClassificationPostprocessor } from "../../../../src/tasks/numeric/classification-postprocessor.ts";
import { catchApiError } from "../../../support/errors.ts";

function block(options: Partial<ClassificationBlock> = {}): ClassificationBlock {
  return { type: "classification", version: 1, scores: "y", activation: "none", ...options };
}

function rows(...values: number[][]): Tensor {
  const shape = [values.length, values[0]?.length ?? 0];
  return { name: "y", datatype: "FP64", shape, data: toBytes(Float64Array.from(values.flat())) };
}

type Options = Partial<ClassificationBlock>;

function toPredictions(
  result: Tensor,
  options: Options = {},
  parameters: { top_k?: number; function_to_apply?: ClassificationBlock["activation"] } = {},
  labels = ["a", "b", "c"],
): readonly unknown[] {
  return createClassificationPostprocessor(block(options), labels).toPredictions(
    [result],
    [],
    parameters,
  );
}

const score = (label: string, value: number): object => ({
  label,
  score: expect.closeTo(value, 8),
});

test.each<[ClassificationBlock["activation"], scores: number[], expected: [string, number][]]>([
  [
    "none",
    [0.2, 0.5, 0.3],
    [
      ["b", 0.5],
      ["c", 0.3],
      ["a", 0.2],
    ],
  ],
  // e^1, e^2 and e^3 over their sum.
  [
    "softmax",
    [1, 2, 3],
    [
      ["c", 0.6652409558],
      ["b", 0.2447284711],
      ["a", 0.0900305732],
    ],
  ],
  [
    "softmax",
    [-1000, -1000, -2000],
    [
      ["a", 0.5],
      ["b", 0.5],
      ["c", 0],
    ],
  ],
  // 1 / (1 + e^-x) for 0, ln 3 and -ln 3.
  [
    "sigmoid",
    [0, Math.log(3), -Math.log(3)],
    [
      ["b", 0.75],
      ["a", 0.5],
      ["c", 0.25],
    ],
  ],
])("the labels with %s of %j are returned best first", (activation, scores, expected) => {
  expect(toPredictions(rows(scores), { activation })).toEqual([
    expected.map(([l, v]) => score(l, v)),
  ]);
});

test("one score for two labels is that of the second", () => {
  const predictions = toPredictions(rows([-Math.log(3)]), { activation: "sigmoid" }, {}, [
    "no",
    "yes",
  ]);
  expect(predictions).toEqual([[score("no", 0.75), score("yes", 0.25)]]);
});

test("each row has a prediction", () => {
  expect(toPredictions(rows([1, 0], [0, 1]), {}, {}, ["a", "b"])).toEqual([
    [score("a", 1), score("b", 0)],
    [score("b", 1), score("a", 0)],
  ]);
});

test("top_k of the request replaces that of the manifest", () => {
  const count = (options: Options, parameters: { top_k?: number }): number =>
    (toPredictions(rows([1, 2, 3]), options, parameters)[0] as unknown[]).length;
  expect(count({}, {})).toBe(3);
  expect(count({ topK: 2 }, {})).toBe(2);
  expect(count({ topK: 2 }, { top_k: 1 })).toBe(1);
  expect(count({ topK: 2 }, { top_k: 99 })).toBe(3);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])(
  "a score of %s is an error of the inference",
  (value) => {
    const error = catchApiError("inference_failed", () =>
      toPredictions(rows([1, value]), {}, {}, ["a", "b"]),
    );
    expect(error.message).toContain('NaN or infinity in output "y"');
  },
);

test("an output with more scores than there are labels is an error of the model's task", () => {
  const error = catchApiError("task_not_supported", () =>
    toPredictions(rows([1, 2, 3]), {}, {}, ["a", "b"]),
  );
  expect(error.message).toMatch(/"y" is FP64 \[1, 3\].*\[batch, 2\], a score for each label/);
});

test("an output of three dimensions is an error of the model's task", () => {
  const sequence: Tensor = { ...rows([1, 2, 3, 4, 5, 6]), shape: [1, 2, 3] } as Tensor;
  const error = catchApiError("task_not_supported", () => toPredictions(sequence));
  expect(error.message).toMatch(/"y" is FP64 \[1, 2, 3\].*\[batch, columns\]/);
});

// By numpy: 1 / (1 + exp(-x)), and exp(x) / sum(exp(x)).
test.each<[ClassificationBlock["activation"], number[]]>([
  ["sigmoid", [0.88079708, 0.73105858, 0.37754067]],
  ["softmax", [0.68967209, 0.25371618, 0.05661173]],
  ["none", [2, 1, -0.5]],
])("function_to_apply %s is applied to logits", (function_to_apply, expected) => {
  const labelled = expected.map((value, at) => score(["a", "b", "c"][at] ?? "", value));
  for (const activation of ["softmax", "sigmoid"] as const)
    expect(toPredictions(rows([2, 1, -0.5]), { activation }, { function_to_apply })).toEqual([
      labelled,
    ]);
});

test("function_to_apply is refused where it cannot be computed", () => {
  const probabilities = catchApiError("invalid_request", () =>
    toPredictions(rows([0.2, 0.5, 0.3]), {}, { function_to_apply: "sigmoid" }),
  );
  expect(probabilities.message).toContain(
    "function_to_apply cannot be sigmoid, because the model returns scores itself",
  );
  const one = catchApiError("invalid_request", () =>
    toPredictions(rows([1]), { activation: "sigmoid" }, { function_to_apply: "none" }, ["a", "b"]),
  );
  expect(one.message).toContain("the model returns one number for two labels");
  expect(toPredictions(rows([0.2, 0.5, 0.3]), {}, { function_to_apply: "none" })).toEqual(
    toPredictions(rows([0.2, 0.5, 0.3])),
  );
});

import { expect, test } from "vitest";
import type { Postprocess } from "../../src/domain/manifest.ts";
import { type Tensor, toBytes } from "../../src/domain/tensor.ts";
import { createClassificationDecoder } from "../../src/tasks/classification.ts";
import { catchApiError } from "../support/errors.ts";

type Classification = Extract<Postprocess, { type: "classification" }>;

function block(options: Partial<Classification> = {}): Classification {
  return { type: "classification", version: 1, scores: "y", activation: "none", ...options };
}

function rows(...values: number[][]): Tensor {
  const shape = [values.length, values[0]?.length ?? 0];
  return { name: "y", datatype: "FP64", shape, data: toBytes(Float64Array.from(values.flat())) };
}

const score = (label: string, value: number): object => ({
  label,
  score: expect.closeTo(value, 8),
});

test.each<[Classification["activation"], scores: number[], expected: [string, number][]]>([
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
])("%s of %j is told best first", (activation, scores, expected) => {
  const decode = createClassificationDecoder(block({ activation }), ["a", "b", "c"]);
  expect(decode(rows(scores), false, {})).toEqual(expected.map(([label, v]) => score(label, v)));
});

test("one score for two labels is that of the second", () => {
  const decode = createClassificationDecoder(block({ activation: "sigmoid" }), ["no", "yes"]);
  expect(decode(rows([-Math.log(3)]), false, {})).toEqual([score("no", 0.75), score("yes", 0.25)]);
});

test("several rows are answered by a list", () => {
  const decode = createClassificationDecoder(block(), ["a", "b"]);
  expect(decode(rows([1, 0], [0, 1]), true, {})).toEqual([
    [score("a", 1), score("b", 0)],
    [score("b", 1), score("a", 0)],
  ]);
  expect(decode(rows([1, 0]), true, {})).toEqual([[score("a", 1), score("b", 0)]]);
});

test("top_k is what is asked for, else what the manifest says", () => {
  const decode = createClassificationDecoder(block({ topK: 2 }), ["a", "b", "c"]);
  expect(decode(rows([1, 2, 3]), false, {})).toHaveLength(2);
  expect(decode(rows([1, 2, 3]), false, { top_k: 1 })).toEqual([score("c", 3)]);
  expect(decode(rows([1, 2, 3]), false, { top_k: 99 })).toHaveLength(3);
});

test.each([
  [{ top_k: 0 }, "top_k"],
  [{ top_k: 1.5 }, "top_k"],
  [{ top_k: "3" }, "top_k"],
  [{ topk: 3 }, "topk"],
])("the parameters %j are refused", (parameters, message) => {
  const decode = createClassificationDecoder(block(), ["a", "b"]);
  const error = catchApiError("invalid_request", () => decode(rows([1, 0]), false, parameters));
  expect(error.message).toContain(message);
  expect(error.message).toContain("(it takes top_k)");
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("a score of %s is no answer", (value) => {
  const decode = createClassificationDecoder(block(), ["a", "b"]);
  const error = catchApiError("inference_failed", () => decode(rows([1, value]), false, {}));
  expect(error.message).toContain('NaN or infinity in output "y"');
});

test("as many labels as scores, or it is the manifest that is wrong", () => {
  const decode = createClassificationDecoder(block(), ["a", "b"]);
  expect(() => decode(rows([1, 2, 3]), false, {})).toThrow("3 scores for 2 labels");
});

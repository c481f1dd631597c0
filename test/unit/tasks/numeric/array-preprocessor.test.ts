import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../../src/domain/errors.ts";
import { type NumericTensor, toTypedArray } from "../../../../src/domain/tensor.ts";
import { createArrayPreprocessor } from "../../../../src/tasks/numeric/array-preprocessor.ts";
import { catchApiError } from "../../../support/errors.ts";
import { preprocess } from "../../../support/preprocess.ts";

describe("images of one channel, [batch, 1, 2, 3]", () => {
  const preprocessor = createArrayPreprocessor({
    name: "image",
    datatype: "FP32",
    shape: ["batch", 1, 2, 3],
  });
  const encode = (inputs: unknown) => preprocess(preprocessor, inputs);
  const image = [
    [1, 2, 3],
    [4, 5, 6],
  ];

  test.each([
    ["one without its channel", image, 1, false],
    ["a list of one", [image], 1, true],
    ["a list without channels", [image, image], 2, true],
    ["a list with channels", [[image], [image]], 2, true],
  ])("are %s", (_, inputs, batch, batched) => {
    const preprocessed = encode(inputs);
    expect(preprocessed.form).toBe(batched ? "list" : "one");
    const [tensor] = preprocessed.tensors as NumericTensor[];
    expect(tensor).toMatchObject({ name: "image", datatype: "FP32", shape: [batch, 1, 2, 3] });
    const expected = Array.from({ length: batch }, () => [1, 2, 3, 4, 5, 6]).flat();
    expect(tensor && [...toTypedArray(tensor)]).toEqual(expected);
  });

  test.each<[inputs: unknown, code: ErrorCode, message: string]>([
    [
      1,
      "invalid_input",
      '"inputs" must be an array of shape [2, 3], or a list of such arrays; got 1',
    ],
    ["AAAA", "invalid_input", 'got "AAAA"'],
    [[], "invalid_input", "got an array of 0"],
    [[1, 2, 3], "invalid_input", "got an array of 3"],
    [[[1, 2, 3]], "invalid_shape", "got one of shape [1, 3]"],
    [
      [
        [1, 2],
        [3, 4],
      ],
      "invalid_shape",
      "got one of shape [2, 2]",
    ],
    [[[[image]]], "invalid_input", "got an array of 1"],
    [
      [
        [1, 2, 3],
        [4, 5],
      ],
      "invalid_shape",
      "data[1] must be an array of 3 elements",
    ],
    [[image, [[1, 2, 3]]], "invalid_shape", "data[1] must be an array of 2 elements"],
    [
      [
        [1, 2, 3],
        [4, 5, "6"],
      ],
      "invalid_datatype",
      "element 5 of its FP32 data must be a number",
    ],
  ])("are not %j", (inputs, code, message) => {
    const error = catchApiError(code, () => encode(inputs));
    expect(error.message).toContain(message);
  });
});

test("a dynamic dimension has any size", () => {
  const preprocessor = createArrayPreprocessor({
    name: "x",
    datatype: "INT64",
    shape: ["n", "length"],
  });
  const encode = (inputs: unknown) => preprocess(preprocessor, inputs);
  expect(encode([1, 2, 3]).tensors).toMatchObject([{ shape: [1, 3] }]);
  expect(encode([[1], [2], [3]]).tensors).toMatchObject([{ shape: [3, 1] }]);
});

describe("a list of as many values as a request may have", () => {
  const preprocessor = createArrayPreprocessor({
    name: "x",
    datatype: "FP32",
    shape: ["n", 1, "side", 4],
  });
  const list = (count: number, item: unknown) => Array.from({ length: count }, () => item);
  const item = [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ];

  test("is accepted, and one more item is refused", () => {
    expect(preprocessor.split(list(62_500, item), {}).items).toHaveLength(62_500);
    for (const inputs of [list(62_501, item), list(62_501, [item])]) {
      const error = catchApiError("invalid_input", () => preprocessor.split(inputs, {}));
      expect(error.message).toMatch(
        /^"inputs" has 62501 arrays of shape \[(1, )?2, 4\]: a request may have 62500 at most\.$/,
      );
      expect(error.details).toEqual({ maxItems: 62_500, actual: 62_501 });
    }
  });

  test("counts empty items as one value", () => {
    const open = createArrayPreprocessor({ name: "x", datatype: "FP32", shape: ["n", "length"] });
    const error = catchApiError("invalid_input", () => open.split(list(500_001, []), {}));
    expect(error.details).toEqual({ maxItems: 500_000, actual: 500_001 });
  });

  test("may be one item of any size", () => {
    const large = list(200_000, [1, 2, 3, 4]);
    expect(preprocessor.split(large, {}).items).toHaveLength(1);
    expect(preprocessor.split([large], {}).items).toHaveLength(1);
  });
});

test("an item may be a single number", () => {
  const preprocessor = createArrayPreprocessor({ name: "x", datatype: "INT64", shape: ["n"] });
  expect(preprocess(preprocessor, [7])).toMatchObject({ form: "list", tensors: [{ shape: [1] }] });
  expect(preprocess(preprocessor, [7, 8])).toMatchObject({
    form: "list",
    tensors: [{ shape: [2] }],
  });
});

test.each(["NaN", "Infinity", "-Infinity"])("%j in an array is refused", (value) => {
  const preprocessor = createArrayPreprocessor({ name: "x", datatype: "FP32", shape: ["n", 2, 2] });
  const item = [
    [1, 2],
    [3, value],
  ];
  const zeros = [
    [0, 0],
    [0, 0],
  ];
  for (const [inputs, path] of [
    [item, "inputs"],
    [[zeros, zeros, item], "inputs[2]"],
  ] as const) {
    const error = catchApiError("invalid_input", () => preprocess(preprocessor, inputs));
    expect(error.message).toContain(`${path} must have finite numbers; element 3 is ${value}.`);
  }
});

test.each([
  ["flowers", ["batch", 4], 1024],
  ["digits", ["batch", 1, 8, 8], 64],
  ["photographs", ["batch", 3, 224, 224], 1],
  ["arrays of any length", ["batch", "steps"], 4096],
  ["a fixed batch", [7, 4], 7],
])("a run of %s has at most 4,096 values, or one item", (_, shape, maxBatch) => {
  const spec = { name: "input", datatype: "FP32" as const, shape };
  expect(createArrayPreprocessor(spec).maxBatch).toBe(maxBatch);
});

import { describe, expect, test } from "vitest";
import type { Datatype } from "../../../src/domain/datatype.ts";
import type { ErrorCode } from "../../../src/domain/errors.ts";
import { checkInputs, parseShape } from "../../../src/domain/shape.ts";
import type { Tensor, TensorSpec } from "../../../src/domain/tensor.ts";
import { catchApiError } from "../../support/errors.ts";

describe("parseShape", () => {
  test.each([
    [[]],
    [[0]],
    [[1, 4]],
    [[0, 4]],
    [[2 ** 31 - 1]],
    [Array.from({ length: 16 }, () => 1)],
  ])("parseShape accepts %j", (shape) => {
    expect(parseShape("x", shape)).toEqual(shape);
  });

  test.each<[shape: unknown, message: string]>([
    [undefined, "shape must be an array of non-negative integers, such as [1, 4]; got nothing"],
    [null, "got null"],
    [4, "got 4"],
    ["[1, 4]", 'got "[1, 4]"'],
    [{ length: 0 }, "got an object"],
    [[-1, 4], "shape must hold non-negative integers up to 2147483647; got -1 as dimension 0"],
    [[1, 1.5], "got 1.5 as dimension 1"],
    [[1, "4"], 'got "4" as dimension 1'],
    [[1, null], "got null as dimension 1"],
    [[[1]], "got an array of 1 as dimension 0"],
    [[Number.NaN], "got NaN"],
    [[Number.POSITIVE_INFINITY], "got Infinity"],
    // The engine would read it as 1.
    [[0, 2 ** 32 + 1], "got 4294967297 as dimension 1"],
    [[2 ** 31], "got 2147483648"],
    // 16 times this is 32 modulo 2^64.
    [JSON.parse("[16, 1152921504606846978]"), "got 1152921504606847000 as dimension 1"],
    [
      [2 ** 30, 2 ** 30],
      "the shape [1073741824, 1073741824] has more elements than can be counted",
    ],
    [[2 ** 27, 2 ** 26], "more elements than can be counted"],
    [[0, 2 ** 30, 2 ** 30], "more elements than can be counted"],
    [Array.from({ length: 17 }, () => 1), "at most 16 dimensions; got 17"],
  ])("parseShape refuses %j", (shape, message) => {
    const error = catchApiError("invalid_shape", () => parseShape("x", shape));
    expect(error.message).toContain('Input "x": ');
    expect(error.message).toContain(message);
  });

  test("parseShape does not repeat a long or deep shape in its message", () => {
    const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
    for (const shape of [deep, [deep], "x".repeat(1e6), ["x".repeat(1e6)]]) {
      const { message } = catchApiError("invalid_shape", () => parseShape("x", shape));
      expect(message.length).toBeLessThan(200);
    }
  });
});

describe("checkInputs", () => {
  const specs: TensorSpec[] = [
    { name: "image", datatype: "FP32", shape: ["batch", 3, -1] },
    { name: "mask", datatype: "BOOL", shape: [] },
  ];
  const tensor = (name: string, datatype: Datatype, shape: number[]): Tensor =>
    ({ name, datatype, shape, data: new Uint8Array() }) as Tensor;
  const image = tensor("image", "FP32", [2, 3, 5]);
  const mask = tensor("mask", "BOOL", []);

  test.each([
    ["in their order", [image, mask]],
    ["in another order", [mask, image]],
    ["with an empty batch", [tensor("image", "FP32", [0, 3, 0]), mask]],
    // The engine's [] is a scalar or an unknown rank.
    ["of any shape where [] is declared", [image, tensor("mask", "BOOL", [1, 2])]],
  ])("checkInputs accepts the inputs %s", (_, tensors) => {
    expect(checkInputs(specs, tensors)).toBeUndefined();
  });

  test.each<
    [what: string, tensors: Tensor[], code: ErrorCode, message: string, details: object | undefined]
  >([
    [
      "an unknown input",
      [tensor("imgae", "FP32", [2, 3, 5]), mask],
      "invalid_input",
      'The model has no input "imgae": it takes "image" (FP32 [batch, 3, ?]), "mask" (BOOL []).',
      { expected: ["image", "mask"], actual: "imgae" },
    ],
    [
      "a missing input",
      [mask],
      "invalid_input",
      'Missing input "image": the model takes "image" (FP32 [batch, 3, ?]), "mask" (BOOL []).',
      { expected: ["image", "mask"], missing: ["image"] },
    ],
    [
      "no input",
      [],
      "invalid_input",
      'Missing input "image" and input "mask": the model takes "image" (FP32 [batch, 3, ?]), "mask" (BOOL []).',
      { expected: ["image", "mask"], missing: ["image", "mask"] },
    ],
    [
      "an input twice",
      [image, mask, image],
      "invalid_input",
      'Input "image" is given twice.',
      undefined,
    ],
    [
      "another datatype",
      [tensor("image", "FP64", [2, 3, 5]), mask],
      "invalid_datatype",
      'Input "image": expected datatype FP32, got FP64.',
      { input: "image", expected: "FP32", actual: "FP64" },
    ],
    [
      "another rank",
      [tensor("image", "FP32", [2, 3]), mask],
      "invalid_shape",
      'Input "image": expected shape [batch, 3, ?], got [2, 3]: it has 2 dimensions instead of 3.',
      { input: "image", expected: ["batch", 3, -1], actual: [2, 3] },
    ],
    [
      "a smaller dimension",
      [tensor("image", "FP32", [2, 2, 5]), mask],
      "invalid_shape",
      'Input "image": expected shape [batch, 3, ?], got [2, 2, 5]: dimension 1 must be 3.',
      { input: "image", expected: ["batch", 3, -1], actual: [2, 2, 5] },
    ],
    [
      "another dimension",
      [tensor("image", "FP32", [2, 4, 5]), mask],
      "invalid_shape",
      'Input "image": expected shape [batch, 3, ?], got [2, 4, 5]: dimension 1 must be 3.',
      { input: "image", expected: ["batch", 3, -1], actual: [2, 4, 5] },
    ],
  ])("checkInputs refuses %s", (_, tensors, code, message, details) => {
    const error = catchApiError(code, () => checkInputs(specs, tensors));
    expect(error.message).toBe(message);
    expect(error.details).toEqual(details);
  });
});

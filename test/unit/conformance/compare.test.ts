import { describe, expect, test } from "vitest";
import { findDifference, IDENTICAL } from "../../../conformance/compare.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import { toBytes } from "../../../src/domain/tensor.ts";

const fp32 = (...values: number[]): Tensor => ({
  name: "y",
  datatype: "FP32",
  shape: [values.length],
  data: toBytes(Float32Array.from(values)),
});
const int64 = (...values: bigint[]): Tensor => ({
  name: "y",
  datatype: "INT64",
  shape: [values.length],
  data: toBytes(BigInt64Array.from(values)),
});
const bool = (...values: number[]): Tensor => ({
  name: "y",
  datatype: "BOOL",
  shape: [values.length],
  data: Uint8Array.from(values),
});
const uint8 = (...values: number[]): Tensor => ({
  name: "y",
  datatype: "UINT8",
  shape: [values.length],
  data: Uint8Array.from(values),
});
const texts = (...data: string[]): Tensor => ({
  name: "y",
  datatype: "BYTES",
  shape: [data.length],
  data,
});

describe("by ONNX's tolerances", () => {
  // numpy.testing.assert_allclose(actual, desired, rtol=1e-3, atol=1e-7) decides the same.
  test.each<[what: string, expected: Tensor, actual: Tensor]>([
    ["the same numbers", fp32(0, 1.5, -2), fp32(0, 1.5, -2)],
    ["a thousandth of the expected number", fp32(1000), fp32(1000.99)],
    ["1e-7 beside zero", fp32(0), fp32(0.9e-7)],
    ["NaN for NaN", fp32(Number.NaN), fp32(Number.NaN)],
    ["an infinity for itself", fp32(-Infinity, Infinity), fp32(-Infinity, Infinity)],
    ["zero for negative zero", fp32(-0), fp32(0)],
    ["integers within a thousandth", int64(10_000n), int64(10_010n)],
    ["no elements", fp32(), fp32()],
    ["the same texts", texts("a", ""), texts("a", "")],
  ])("takes %s", (_, expected, actual) => {
    expect(findDifference([expected], [actual])).toBeUndefined();
  });

  test.each<[what: string, expected: Tensor[], actual: Tensor[], difference: string]>([
    [
      "a number too far off",
      [fp32(1, 1000)],
      [fp32(1, 1002)],
      "is 1002 instead of 1000 at element 1",
    ],
    ["an integer too far off", [int64(9n)], [int64(10n)], "is 10 instead of 9 at element 0"],
    ["a number for NaN", [fp32(Number.NaN)], [fp32(0)], "is 0 instead of NaN at element 0"],
    ["NaN for a number", [fp32(0)], [fp32(Number.NaN)], "is NaN instead of 0 at element 0"],
    [
      "a number for an infinity",
      [fp32(Infinity)],
      [fp32(1)],
      "is 1 instead of Infinity at element 0",
    ],
    ["the other infinity", [fp32(Infinity)], [fp32(-Infinity)], "is -Infinity instead of Infinity"],
    ["another truth value", [bool(1, 0)], [bool(1, 1)], "is 1 instead of 0 at element 1"],
    ["another text", [texts("a")], [texts("A")], 'is "A" instead of "a" at element 0'],
    ["another datatype", [bool(1)], [uint8(1)], "is UINT8 instead of BOOL"],
    ["another shape", [fp32(1)], [{ ...fp32(1), shape: [] }], "has shape [] instead of [1]"],
    ["fewer elements", [fp32(1, 2)], [{ ...fp32(1), shape: [2] }], "has 1 elements instead of 2"],
    ["another name", [fp32(1)], [{ ...fp32(1), name: "z" }], 'is missing, "z" is in its place'],
    ["fewer outputs", [fp32(1), fp32(1)], [fp32(1)], "1 outputs instead of 2"],
  ])("refuses %s", (_, expected, actual, difference) => {
    expect(findDifference(expected, actual)).toContain(difference);
  });
});

describe("bit by bit", () => {
  test("takes only the same numbers, of which NaN is one", () => {
    expect(
      findDifference([fp32(0.1, Number.NaN)], [fp32(0.1, Number.NaN)], IDENTICAL),
    ).toBeUndefined();
  });

  test.each<[expected: Tensor, actual: Tensor, difference: string]>([
    [fp32(0), fp32(-0), "is -0 instead of 0"],
    [fp32(1), fp32(1 + 2 ** -23), "is 1.0000001192092896 instead of 1"],
    [int64(2n ** 53n), int64(2n ** 53n + 1n), "is 9007199254740993 instead of 9007199254740992"],
  ])("refuses numbers that are merely close", (expected, actual, difference) => {
    expect(findDifference([expected], [actual], IDENTICAL)).toContain(difference);
  });
});

import { expect, test } from "vitest";
import { canHold } from "../../../../src/domain/blocks/tensor-checks.ts";

/** The bounds are those of numpy.iinfo and numpy.finfo. */

test.each([
  ["INT64", -(2 ** 63), true],
  ["INT64", 2 ** 60, true],
  // The double below 2^63.
  ["INT64", 2 ** 63 - 1024, true],
  ["INT64", 2 ** 63, false],
  ["INT64", 0.5, false],
  ["UINT64", 2 ** 63, true],
  ["UINT64", 2 ** 64, false],
  ["UINT64", -1, false],
  ["INT8", -128, true],
  ["INT8", 128, false],
  ["FP64", Number.MAX_VALUE, true],
  ["FP64", Number.POSITIVE_INFINITY, false],
  ["FP32", 3.4028234663852886e38, true],
  ["FP32", 3.5e38, false],
  ["FP16", 65_504, true],
  ["FP16", 65_536, false],
] as const)("%s holds %d: %s", (datatype, value, expected) => {
  expect(canHold(datatype, value)).toBe(expected);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Tensor, toBytes } from "../../../src/domain/tensor.ts";
import { toClassification, toDecimal } from "../../../src/protocols/oip/classification.ts";
import { topIndices } from "../../../src/protocols/oip/top-indices.ts";

function floats(...rows: number[][]): Tensor {
  const shape = [rows.length, rows[0]?.length ?? 0];
  const data = toBytes(Float32Array.from(rows.flat()));
  return { name: "scores", datatype: "FP32", shape, data };
}

describe("the classification of an output", () => {
  test("has the highest values of each row with their labels, NaN last and equal ones by index", () => {
    const scores = floats(
      [Number.NaN, 1, 3, 2],
      [-0, 0, Number.NEGATIVE_INFINITY, Number.NaN],
      [Number.NaN, Number.NaN, Number.POSITIVE_INFINITY, -1],
    );
    expect(toClassification(scores, 3, ["a", "b", "c", "d"])).toEqual({
      name: "scores",
      datatype: "BYTES",
      shape: [3, 3],
      data: [
        ...["3.000000:2:c", "2.000000:3:d", "1.000000:1:b"],
        ...["-0.000000:0:a", "0.000000:1:b", "-inf:2:c"],
        ...["inf:2:c", "-1.000000:3:d", "nan:0:a"],
      ],
    });
  });

  test("has every class when more are requested, and no label when their number differs", () => {
    expect(toClassification(floats([1, Number.NaN, 2]), 1e9, ["a"])).toMatchObject({
      shape: [1, 3],
      data: ["2.000000:2", "1.000000:0", "nan:1"],
    });
  });

  test("prints integers as they are", () => {
    const data = toBytes(BigInt64Array.of(2n ** 53n, 2n ** 53n + 1n, -1n));
    const tensor: Tensor = { name: "n", datatype: "INT64", shape: [3], data };
    expect(toClassification(tensor, 3, undefined)).toMatchObject({
      shape: [3],
      data: ["9007199254740993:1", "9007199254740992:0", "-1:2"],
    });
  });

  test("of no classes is empty", () => {
    const data = new Uint8Array(0);
    const tensor: Tensor = { name: "n", datatype: "FP32", shape: [2, 0], data };
    expect(toClassification(tensor, 3, undefined)).toMatchObject({ shape: [2, 0], data: [] });
  });
});

/** By Python's `"%f" % value`, which is C's and so `std::to_string`'s. */
test.each([
  [0.10000000149011612, "0.100000"],
  [1 / 128, "0.007812"],
  [3 / 128, "0.023438"],
  [5 / 128, "0.039062"],
  [-1 / 128, "-0.007812"],
  [-1e-9, "-0.000000"],
  [-0, "-0.000000"],
  [0.9999995827674866, "1.000000"],
  [123456.7890625, "123456.789062"],
  [123_456_789_012_345.67, "123456789012345.671875"],
  [1e21, "1000000000000000000000.000000"],
  [3.4028234663852886e38, "340282346638528859811704183484516925440.000000"],
])("%s is printed as %s", (value, text) => {
  expect(toDecimal(value)).toBe(text);
});

describe("topIndices", () => {
  test("selects what a whole sort selects", () => {
    const element = fc.oneof(
      fc.constantFrom(Number.NaN, 0, -0, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      fc.double(),
    );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 60 }), fc.nat(70), (values, count) => {
        const rank = (value: number): number => (Number.isNaN(value) ? 1 : 0);
        const sorted = [...values.keys()].sort((a, b) => {
          const [x, y] = [values[a] as number, values[b] as number];
          if (rank(x) !== rank(y)) return rank(x) - rank(y);
          return x > y ? -1 : x < y ? 1 : a - b;
        });
        expect(topIndices([9, ...values], 1, values.length, count)).toEqual(sorted.slice(0, count));
      }),
    );
  });

  test("of a million classes finds the best ones", () => {
    // A permutation, because the factor is odd and so has no divisor in common with 2^20.
    const values = Float64Array.from({ length: 2 ** 20 }, (_, i) => (i * 40_503) % 2 ** 20);
    const best = topIndices(values, 0, values.length, 5).map((index) => values[index]);
    expect(best).toEqual([1, 2, 3, 4, 5].map((n) => 2 ** 20 - n));
  });
});

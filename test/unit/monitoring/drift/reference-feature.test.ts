import { describe, expect, test } from "vitest";
import {
  toBinnedReference,
  toCategoryReference,
  toNumericReference,
} from "../../../../src/domain/monitoring/reference-feature.ts";
import { binOf } from "../../../../src/shared/bin-of.ts";
import NUMPY from "../../../fixtures/drift/statistics.json" with { type: "json" };

describe("the reference of a number", () => {
  const { values, mean, deviation, deciles } = NUMPY.moments;

  test("has NumPy's moments, and bins that end about at NumPy's deciles", () => {
    const reference = toNumericReference("x", values);
    expect(reference.mean).toBeCloseTo(mean, 10);
    expect(reference.deviation).toBeCloseTo(deviation, 10);
    expect(reference).toMatchObject({ count: 400, missing: 0, min: Math.min(...values) });
    expect(reference.edges).toHaveLength(9);
    for (const [index, decile] of deciles.entries())
      expect(Math.abs((reference.edges[index] as number) - decile)).toBeLessThan(2);
    for (const count of reference.counts) expect(Math.abs(count - 40)).toBeLessThanOrEqual(3);
  });

  test("does not change a bin when its values are rounded to 32 bits", () => {
    const reference = toNumericReference("x", values);
    for (const value of values)
      expect(binOf(reference.edges, Math.fround(value))).toBe(binOf(reference.edges, value));
  });

  test("counts NaN as missing", () => {
    const reference = toNumericReference("x", [1, Number.NaN, 2, Number.NaN]);
    expect(reference).toMatchObject({ count: 2, missing: 2, mean: 1.5, counts: [1, 1] });
  });

  test("of few values that differ has a bin for each", () => {
    const reference = toNumericReference("x", [1, 1, 1, 2, 5, 5]);
    expect(reference).toMatchObject({ edges: [1.5, 3.5], counts: [3, 1, 2] });
  });

  test("of a constant has a bin for it, between those of smaller and larger numbers", () => {
    for (const constant of [7, 0, -1e-9, 1e30]) {
      const { edges, counts } = toNumericReference("x", [constant, constant, constant]);
      expect(counts).toEqual([0, 3, 0]);
      const next = constant === 0 ? 1e-20 : Math.abs(constant) * 1e-3;
      expect(binOf(edges, constant - next)).toBe(0);
      expect(binOf(edges, Math.fround(constant))).toBe(1);
      expect(binOf(edges, constant + next)).toBe(2);
    }
  });

  test("has a bin of its own for a value that most rows have", () => {
    const numbers = [...new Array(500).fill(0), ...values, ...values.map((value) => value / 2)];
    const { edges, counts } = toNumericReference("x", numbers);
    expect(counts[0]).toBe(numbers.filter((value) => value === 0).length);
    expect(edges[0]).toBeGreaterThan(0);
    expect(edges.length).toBeGreaterThan(3);
  });

  test("of integers has edges between them", () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index % 97);
    const { edges } = toNumericReference("x", numbers);
    for (const edge of edges) expect(Number.isInteger(edge)).toBe(false);
  });

  test("of numbers next to each other separates them all the same", () => {
    const numbers = [1, 1 + Number.EPSILON, 1 + 2 * Number.EPSILON];
    expect(toNumericReference("x", numbers).counts).toEqual([1, 1, 1]);
  });

  test("counts infinite numbers in the outer bins, without them in its moments", () => {
    const { POSITIVE_INFINITY: inf } = Number;
    const reference = toNumericReference("x", [-inf, 1, 2, 3, inf, inf]);
    expect(reference).toMatchObject({ count: 6, mean: 2, min: 1, max: 3 });
    expect(reference.counts).toEqual([2, 1, 3]);
  });

  test.each([[[]], [[Number.NaN]]])("of %o has one empty bin", (numbers) => {
    expect(toNumericReference("x", numbers)).toMatchObject({ count: 0, edges: [], counts: [0] });
  });

  test("may have edges that are given", () => {
    const reference = toBinnedReference("x", [0.1, 0.5, 0.7, Number.NaN], [0.5, 0.6]);
    expect(reference).toMatchObject({ edges: [0.5, 0.6], counts: [2, 0, 1], missing: 1 });
  });
});

test("the reference of a category counts other ones last, and NaN as missing", () => {
  expect(toCategoryReference("c", ["a", "b"], [0, 1, 1, 7, -1, 0.5, Number.NaN])).toEqual({
    name: "c",
    kind: "category",
    count: 6,
    missing: 1,
    categories: ["a", "b"],
    counts: [1, 2, 3],
  });
});

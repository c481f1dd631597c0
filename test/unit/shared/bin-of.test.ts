import { expect, test } from "vitest";
import { binOf } from "../../../src/shared/bin-of.ts";

test.each([
  [Number.NEGATIVE_INFINITY, 0],
  [0, 0],
  [1, 0],
  [1.5, 1],
  [2, 1],
  [3.0001, 3],
  [Number.POSITIVE_INFINITY, 3],
])("%d is in bin %d of the edges 1, 2 and 3", (value, bin) => {
  expect(binOf([1, 2, 3], value)).toBe(bin);
});

test("a bin of many edges is the one that counting finds", () => {
  const edges = Array.from({ length: 100 }, (_, index) => index ** 1.5);
  for (let value = -3; value < 1100; value += 0.37)
    expect(binOf(edges, value)).toBe(edges.filter((edge) => edge < value).length);
  for (const [index, edge] of edges.entries()) expect(binOf(edges, edge)).toBe(index);
});

test("without edges everything is in one bin", () => {
  expect(binOf([], 5)).toBe(0);
});

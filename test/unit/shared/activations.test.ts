import { expect, test } from "vitest";
import { sigmoid, softmax } from "../../../src/shared/activations.ts";

test("softmax gives the values of scipy.special.softmax", () => {
  // scipy.special.softmax([1, 2, 3])
  const expected = [0.09003057317038046, 0.24472847105479767, 0.6652409557748219];
  for (const [index, value] of softmax([1, 2, 3]).entries())
    expect(value).toBeCloseTo(expected[index] ?? Number.NaN, 15);
});

test("softmax of large values does not overflow", () => {
  expect(softmax([1000, 1000])).toEqual([0.5, 0.5]);
  expect(softmax([-1000, 0])).toEqual([0, 1]);
});

test("sigmoid gives the values of scipy.special.expit", () => {
  expect(sigmoid(0)).toBe(0.5);
  expect(sigmoid(2)).toBeCloseTo(0.8807970779778825, 15);
  expect([sigmoid(-1000), sigmoid(1000)]).toEqual([0, 1]);
});

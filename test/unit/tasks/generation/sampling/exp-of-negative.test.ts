import { describe, expect, test } from "vitest";
import { expOfNegative } from "../../../../../src/tasks/generation/sampling/exp-of-negative.ts";

describe("expOfNegative", () => {
  test("is Math.exp of the negative within 1e-15, in proportion to larger numbers", () => {
    let worst = 0;
    for (let step = 0; step < 200_000; step++) {
      const x = step * step * 1.6e-8 + step * 1e-7;
      const error = Math.abs(expOfNegative(x) / Math.exp(-x) - 1) / Math.max(1, x / 10);
      worst = Math.max(worst, error);
    }
    expect(worst).toBeLessThan(2e-15);
  });

  test.each([
    [0, 1],
    [745, 0],
    [1e30, 0],
    [Number.POSITIVE_INFINITY, 0],
  ])("of %f is %f", (x, expected) => {
    expect(expOfNegative(x)).toBe(expected);
  });

  test("never increases", () => {
    for (let x = 0; x < 50; x += 0.001)
      expect(expOfNegative(x + 0.001)).toBeLessThanOrEqual(expOfNegative(x));
  });
});

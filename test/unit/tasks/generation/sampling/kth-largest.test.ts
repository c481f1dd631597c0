import { describe, expect, test } from "vitest";
import { kthLargest } from "../../../../../src/tasks/generation/sampling/kth-largest.ts";

describe("kthLargest", () => {
  test.each([
    ["ascending", Float32Array.from({ length: 300 }, (_, index) => index)],
    ["descending", Float32Array.from({ length: 300 }, (_, index) => -index)],
    ["mixed", Float32Array.from({ length: 300 }, (_, index) => (index * 7919) % 101)],
    ["equal", new Float32Array(300).fill(2.5)],
  ])("finds the value of each rank among %s values", (_, values) => {
    const sorted = values.toSorted().reverse();
    const heap = new Float32Array(300);
    for (let rank = 1; rank <= 300; rank++)
      expect(kthLargest(values, rank, heap)).toBe(sorted[rank - 1]);
  });

  test("is -infinity where there are fewer values", () => {
    expect(kthLargest(Float32Array.of(1, 2), 3, new Float32Array(3))).toBe(-Infinity);
  });
});

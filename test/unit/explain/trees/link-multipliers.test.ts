import { describe, expect, test } from "vitest";
import type { Link } from "../../../../src/explain/graph/explainable-graph.ts";
import { applyLink, multipliersOf } from "../../../../src/explain/trees/link-multipliers.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";

const LINKS: readonly Link[] = ["none", "logistic", "exp", "softmax", "one_vs_rest"];

describe("differences of margins times their multipliers", () => {
  for (const link of LINKS)
    for (const size of [1, 2, 5])
      test(`add up to that of the output: ${link} of ${size}`, () => {
        const random = createSeededRandom(size);
        for (let round = 0; round < 50; round++) {
          const spread = [0.1, 2, 10, 60][round % 4] ?? 1;
          const margins = () =>
            Float64Array.from({ length: size }, () => spread * (random() - 0.5));
          const [from, to] = [margins(), margins()];
          for (let output = 0; output < size; output++) {
            const multipliers = multipliersOf(link, output, from, to);
            const sum = multipliers.reduce(
              (total, each, at) => total + each * ((to[at] ?? 0) - (from[at] ?? 0)),
              0,
            );
            const end = applyLink(link, to)[output] ?? Number.NaN;
            const start = applyLink(link, from)[output] ?? Number.NaN;
            const scale = Math.max(1, Math.abs(start), Math.abs(end));
            expect(Math.abs(sum - (end - start))).toBeLessThan(1e-8 * scale);
          }
        }
      });
});

test("softmax of two opposite margins has the slope of the logistic function of their difference", () => {
  const from = Float64Array.of(-0.5, 0.5);
  const to = Float64Array.of(1.5, -1.5);
  const [first = 0, second = 0] = multipliersOf("softmax", 1, from, to);
  const [slope = 0] = multipliersOf("logistic", 0, Float64Array.of(1), Float64Array.of(-3));
  expect(second - first).toBeCloseTo(2 * slope, 8);
});

test("rows with the same margin keep their values, as in shap", () => {
  expect([...multipliersOf("logistic", 0, Float64Array.of(0.7), Float64Array.of(0.7))]).toEqual([
    1,
  ]);
});

test("links whose results are no probabilities are refused", () => {
  for (const link of ["probit", "softmax_zero"] as const)
    expect(() => applyLink(link, Float64Array.of(0.5))).toThrow('"space" can be "margin"');
});

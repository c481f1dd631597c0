import { describe, expect, test } from "vitest";
import { adjustPValues } from "../../../../src/monitoring/drift/benjamini-hochberg.ts";
import {
  chiSquareQuantile,
  chiSquareSurvival,
} from "../../../../src/monitoring/drift/chi-square.ts";
import {
  kolmogorovQuantile,
  kolmogorovSurvival,
} from "../../../../src/monitoring/drift/kolmogorov.ts";
import { kolmogorovSmirnov } from "../../../../src/monitoring/drift/kolmogorov-smirnov.ts";
import { populationStability } from "../../../../src/monitoring/drift/population-stability.ts";
import { rankSum } from "../../../../src/monitoring/drift/rank-sum.ts";
import SCIPY from "../../../fixtures/drift/statistics.json" with { type: "json" };

/** Relative, and absolute where a probability is 1 but for less than a double has. */
const TOLERANCE = 1e-10;

function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(TOLERANCE * Math.abs(expected) + 1e-300);
}

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

test.each(SCIPY.chiSquare)(
  "the survival function of chi-square with $degrees degrees of freedom at $x is SciPy's",
  ({ x, degrees, survival }) => expectClose(chiSquareSurvival(x, degrees), survival),
);

test.each(SCIPY.chiSquareQuantiles)(
  "the quantile of chi-square with $degrees degrees of freedom for $probability is SciPy's",
  ({ probability, degrees, x }) => expectClose(chiSquareQuantile(probability, degrees), x),
);

test.each(SCIPY.kolmogorov)(
  "the survival function of Kolmogorov at $x is SciPy's",
  ({ x, survival }) => expectClose(kolmogorovSurvival(x), survival),
);

test("the quantile of Kolmogorov has the probability that was asked for", () => {
  for (const probability of [0.5, 0.1, 0.05, 0.01, 1e-4])
    expect(kolmogorovSurvival(kolmogorovQuantile(probability))).toBeCloseTo(probability, 10);
});

test.each(SCIPY.falseDiscoveries)(
  "p-values $pValues are adjusted as SciPy adjusts them",
  (list) => {
    const adjusted = adjustPValues(list.pValues);
    expect(adjusted).toHaveLength(list.adjusted.length);
    for (const [index, expected] of list.adjusted.entries())
      expectClose(adjusted[index] ?? 0, expected);
  },
);

describe.each(SCIPY.samples)("for counts $reference and $window", (samples) => {
  const { reference, window } = samples;
  const rows = { m: total(reference), n: total(window) };

  test("the population stability index is that of its definition, and its threshold a quantile of chi-square", () => {
    const { value, threshold, pValue } = populationStability(samples, 0.01);
    expectClose(value, samples.psi);
    const scale = 1 / rows.n + 1 / rows.m;
    expectClose(threshold, scale * chiSquareQuantile(0.01, reference.length - 1));
    expect(value > threshold).toBe(pValue < 0.01);
  });

  test("the statistic of Kolmogorov and Smirnov is SciPy's, and its threshold agrees with its p-value", () => {
    const { value, threshold, pValue } = kolmogorovSmirnov(samples, 0.01);
    expectClose(value, samples.ks);
    expect(value > threshold).toBe(pValue < 0.01);
  });

  test("the rank sum test is SciPy's", () => {
    const { value, threshold, pValue, shift } = rankSum(samples, 0.01);
    expectClose(pValue, samples.rankSum.pValue);
    expect(value > threshold).toBe(pValue < 0.01);
    const half = (rows.m * rows.n) / 2;
    expect(Math.sign(shift)).toBe(Math.sign(samples.rankSum.larger - half));
  });
});

test("the shift and the effect of a normal distribution that is shifted by half a deviation are about a half", () => {
  const edges = [-1.28, -0.84, -0.52, -0.25, 0, 0.25, 0.52, 0.84, 1.28];
  // Of the standard normal distribution, and of one with mean 0.5, by SciPy's norm.cdf, for 10,000 rows.
  const reference = [1003, 1002, 1011, 998, 987, 987, 998, 1011, 1002, 1003];
  const window = [375, 526, 637, 728, 819, 928, 1067, 1251, 1492, 2177];
  expect(reference).toHaveLength(edges.length + 1);
  const samples = { reference, window };
  expect(rankSum(samples, 0.01).shift).toBeCloseTo(0.5, 1);
  expect(populationStability(samples, 0.01).effect).toBeCloseTo(0.5, 1);
});

test("without rows nothing has drifted", () => {
  const samples = { reference: [10, 20], window: [0, 0] };
  expect(populationStability(samples, 0.01).pValue).toBe(1);
  expect(kolmogorovSmirnov(samples, 0.01).pValue).toBe(1);
  expect(rankSum(samples, 0.01).pValue).toBe(1);
});

import { describe, expect, it } from "vitest";
import {
  addValue,
  countsBelow,
  createDistribution,
  type Distribution,
  mergeDistribution,
  quantileOf,
} from "../../../../src/domain/monitoring/distribution.ts";

function distributionOf(values: readonly number[]): Distribution {
  const distribution = createDistribution();
  for (const value of values) addValue(distribution, value);
  return distribution;
}

/** A sequence that looks random and is always the same. */
function* pseudoRandom(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield (state + 0.5) / 2 ** 32;
  }
}

const random = pseudoRandom(7);
/** Over seven orders of magnitude, as durations are. */
const VALUES = Array.from({ length: 5000 }, () => 10 ** (7 * (random.next().value as number) - 3));

describe("a distribution", () => {
  it.each([0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1])(
    "has its quantile %d within 1.1 %% of the exact value",
    (fraction) => {
      const sorted = VALUES.toSorted((one, two) => one - two);
      const exact = sorted[Math.floor(fraction * (sorted.length - 1))] as number;
      const estimated = quantileOf(distributionOf(VALUES), fraction) as number;
      expect(Math.abs(estimated - exact) / exact).toBeLessThanOrEqual(0.011);
    },
  );

  it("is the same whether its values were added or its parts were merged, in any order", () => {
    const parts = [VALUES.slice(0, 100), VALUES.slice(100, 3000), VALUES.slice(3000)];
    const whole = distributionOf(VALUES);
    for (const order of [parts, parts.toReversed()]) {
      const merged = createDistribution();
      for (const part of order) mergeDistribution(merged, distributionOf(part));
      expect(merged).toEqual({ ...whole, sum: expect.closeTo(whole.sum, 3) });
    }
  });

  it("has the bins of OpenTelemetry's exponential histogram of scale 5", () => {
    // The specification maps a value to ceil(log(value) * 2^scale / ln 2) - 1, from which ours differ by one.
    const { first, bins } = distributionOf([1, 1.01, 1.03, 2, 2.1]);
    expect(first).toBe(0);
    expect(bins.findLastIndex((count) => count > 0)).toBe(Math.ceil(Math.log2(2.1) * 32));
    expect(bins.slice(0, 3)).toEqual([1, 1, 1]);
    expect(bins[32]).toBe(1);
  });

  it("counts what is negative, no number or infinite as 0", () => {
    const distribution = distributionOf([-1, Number.NaN, Number.POSITIVE_INFINITY, 0, 3]);
    expect(distribution).toMatchObject({ count: 5, sum: 3, min: 0, max: 3, zeros: 4 });
    expect(quantileOf(distribution, 0.5)).toBe(0);
    expect(quantileOf(distribution, 1)).toBe(3);
  });

  it("has a bounded number of bins, whatever it is given", () => {
    const distribution = distributionOf([Number.MIN_VALUE, 1e-9, 1, Number.MAX_VALUE]);
    expect(distribution.bins.length).toBeLessThanOrEqual(1300);
    expect(distribution.zeros).toBe(2);
  });

  it("has no quantile without values", () => {
    expect(quantileOf(createDistribution(), 0.5)).toBeUndefined();
  });
});

describe("countsBelow", () => {
  it("counts the values up to each bound, exactly where no value is within 1.1 % of it", () => {
    const bounds = [0.001, 0.5, 1, 10, 250, 1000];
    const values = [0, 0.4, 0.6, 0.9, 3, 240, 260, 5000];
    expect(countsBelow(distributionOf(values), bounds)).toEqual([1, 2, 4, 5, 6, 7]);
  });

  it("never counts less when there are more values", () => {
    const bounds = [1, 2, 4, 8, 16];
    const distribution = createDistribution();
    let before = bounds.map(() => 0);
    for (const value of VALUES.slice(0, 500)) {
      addValue(distribution, value);
      const counts = countsBelow(distribution, bounds);
      for (const [index, count] of counts.entries())
        expect(count).toBeGreaterThanOrEqual(before[index] as number);
      before = counts;
    }
  });
});

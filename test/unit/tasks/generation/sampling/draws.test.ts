import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../../../../../src/shared/random.ts";
import { createSampler } from "../../../../../src/tasks/generation/sampling/sampler.ts";
import {
  SAMPLING,
  type SamplingCase,
  samplingOptions,
  toLogits,
} from "../../../../support/sampling.ts";

const DRAWS = 40_000;

/** The 99.9 % quantile of the chi-squared distribution, by Wilson and Hilferty's approximation. */
function criticalValue(degrees: number): number {
  const z = 3.0902;
  return degrees * (1 - 2 / (9 * degrees) + z * Math.sqrt(2 / (9 * degrees))) ** 3;
}

function named(name: string): SamplingCase {
  const found = SAMPLING.cases.find((one) => one.name === name);
  if (!found) throw new Error(`the fixture has no case "${name}"`);
  return found;
}

describe("40,000 draws", () => {
  test.each([
    "temperature 1.5",
    "top_k 40 of a large vocabulary",
    "top_p 0.75 of equal logits",
    "temperature, top_k and top_p",
    "penalties before draws",
  ])("with %s have the probabilities of transformers", (name) => {
    const { logits, parameters, expected, prompt = [], generated = [] } = named(name);
    expect(expected.best).toHaveLength(expected.kept);
    const sampler = createSampler(samplingOptions({ ...parameters, seed: 20261130 }));
    const given = toLogits(logits);
    const counts = new Map<number, number>();
    for (let draw = 0; draw < DRAWS; draw++) {
      const { token } = sampler.next(given, { prompt, generated });
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    let [statistic, classes, rare, rareExpected] = [0, 0, 0, 0];
    const add = (observed: number, mean: number) => {
      statistic += (observed - mean) ** 2 / mean;
      classes++;
    };
    let seen = 0;
    for (const [token, logprob] of expected.best) {
      const observed = counts.get(token) ?? 0;
      const mean = DRAWS * Math.exp(logprob);
      seen += observed;
      if (mean >= 5) add(observed, mean);
      else [rare, rareExpected] = [rare + observed, rareExpected + mean];
    }
    if (rareExpected > 0) add(rare, rareExpected);
    expect(seen).toBe(DRAWS);
    expect(statistic).toBeLessThan(criticalValue(classes - 1));
  });
});

describe.each(SAMPLING.seeded)("the seed $seed with $parameters", (one) => {
  const logits = toLogits(one.logits);
  const sample = (seed: number | undefined) => {
    const options = samplingOptions({ ...one.parameters, ...(seed === undefined ? {} : { seed }) });
    const sampler = createSampler(options);
    return one.expected.tokens.map(() => sampler.next(logits, { prompt: [], generated: [] }).token);
  };

  test("gives the numbers and tokens that an implementation in Python gives", () => {
    const random = createSeededRandom(one.seed);
    expect(one.expected.numbers.map(() => random())).toEqual(one.expected.numbers);
    expect(sample(one.seed)).toEqual(one.expected.tokens);
  });

  test("that is left out gives other tokens each time", () => {
    expect(sample(undefined)).not.toEqual(sample(undefined));
  });
});

import { describe, expect, test } from "vitest";
import { createSampler } from "../../../../../src/tasks/generation/sampling/sampler.ts";
import { catchApiError } from "../../../../support/errors.ts";
import { SAMPLING, samplingOptions, toLogits } from "../../../../support/sampling.ts";

/** transformers computes in FP32: logits up to 40 and their quotients are off by half of 4e-6. */
const TOLERANCE = 1e-5;

const NOTHING = { prompt: [], generated: [] };

describe.each(SAMPLING.cases)(
  "logits with $name",
  ({ logits, parameters, expected, ...history }) => {
    const { prompt = [], generated = [] } = history;

    test("leave the tokens with the probabilities of transformers", () => {
      const sampler = createSampler(samplingOptions(parameters));
      const given = toLogits(logits);
      const sampled = sampler.next(given, { prompt, generated });
      const top = sampled.top(given.length);
      expect(top).toHaveLength(expected.kept);
      const best = new Map(
        top.slice(0, expected.best.length).map((one) => [one.token, one.logprob]),
      );
      expect([...best.keys()]).toEqual(expected.best.map(([token]) => token));
      for (const [token, logprob] of expected.best)
        expect(Math.abs((best.get(token) ?? Number.NaN) - logprob)).toBeLessThan(TOLERANCE);
      expect(top.map(({ token }) => token)).toContain(sampled.token);
      const listed = top.find(({ token }) => token === sampled.token);
      expect(sampled.logprob).toBeCloseTo(listed?.logprob ?? Number.NaN, 5);
    });

    test("give the token that the sampler must take", () => {
      const options = samplingOptions(parameters);
      const given = toLogits(logits);
      const next = (random: number) =>
        createSampler(options, () => random).next(given, { prompt, generated });
      const first = next(0);
      if (options.doSample) {
        const tokens = first.top(given.length).map(({ token }) => token);
        expect(first.token).toBe(Math.min(...tokens));
        expect(tokens).toContain(next(1 - 2 ** -53).token);
      } else {
        expect(first.token).toBe(expected.greedy);
        expect(Math.abs(first.rawLogprob - expected.raw_logprob)).toBeLessThan(TOLERANCE);
      }
    });
  },
);

test.each(SAMPLING.walks)(
  "greedy tokens with $name are those of transformers at each step",
  (walk) => {
    const sampler = createSampler(samplingOptions(walk.parameters));
    const generated: number[] = [];
    for (const [step, logprob] of walk.expected.logprobs.entries()) {
      const logits = toLogits({ ...walk, seed: step % walk.period });
      const sampled = sampler.next(logits, { prompt: walk.prompt, generated });
      expect(Math.abs(sampled.logprob - logprob)).toBeLessThan(TOLERANCE);
      generated.push(sampled.token);
    }
    expect(generated).toEqual(walk.expected.tokens);
  },
);

describe("a sampler", () => {
  test("leaves the logits that it is given as they are", () => {
    const logits = toLogits({ size: 50, seed: 1, scale: 2 });
    const before = logits.slice();
    createSampler(samplingOptions({ repetition_penalty: 2, top_k: 5 })).next(logits, {
      prompt: [1, 2],
      generated: [3],
    });
    expect(logits).toEqual(before);
  });

  test("takes the first of equal logits without draws", () => {
    const { token } = createSampler(samplingOptions({})).next(Float32Array.of(1, 3, 3, 2), NOTHING);
    expect(token).toBe(1);
  });

  test("takes the best token at the smallest temperature", () => {
    const options = samplingOptions({ temperature: Number.MIN_VALUE });
    const sampler = createSampler(options, () => 1 - 2 ** -53);
    const sampled = sampler.next(Float32Array.of(-80, 90, 89.99, -Infinity), NOTHING);
    expect(sampled).toMatchObject({ token: 1, logprob: -0 });
  });

  test("gives probabilities only of its last token", () => {
    const sampler = createSampler(samplingOptions({ top_k: 2 }));
    const first = sampler.next(Float32Array.of(1, 2), NOTHING);
    sampler.next(Float32Array.of(1, 2), NOTHING);
    expect(() => first.logprob).toThrow("A later token was sampled already.");
    expect(() => first.rawLogprob).toThrow("A later token was sampled already.");
    expect(() => first.top(1)).toThrow("A later token was sampled already.");
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %f as a logit", (logit) => {
    const sampler = createSampler(samplingOptions({}));
    const { message } = catchApiError("inference_failed", () =>
      sampler.next(Float32Array.of(0, logit, 1), NOTHING),
    );
    expect(message).toContain(`${logit} as a logit`);
  });

  test("refuses logits that are all -infinity as the model's fault", () => {
    const sampler = createSampler(samplingOptions({ no_repeat_ngram_size: 1 }));
    const logits = new Float32Array(4).fill(-Infinity);
    catchApiError("inference_failed", () => sampler.next(logits, NOTHING));
  });

  test("refuses to go on where the parameters exclude each token", () => {
    const sampler = createSampler(samplingOptions({ no_repeat_ngram_size: 1 }));
    const history = { prompt: [0, 1], generated: [2] };
    const { message } = catchApiError("invalid_request", () =>
      sampler.next(Float32Array.of(1, 2, 3), history),
    );
    expect(message).toContain("leave no token");
  });

  test.each([
    [{ logit_bias: { "8": 1 } }, "logit_bias has the token 8"],
    [{ bad_words_ids: [[1], [2, 9]] }, "bad_words_ids has the token 9"],
  ])("refuses %j with a vocabulary of 8 tokens", (parameters, part) => {
    const sampler = createSampler(samplingOptions(parameters));
    const { message } = catchApiError("invalid_request", () =>
      sampler.next(new Float32Array(8), NOTHING),
    );
    expect(message).toContain(part);
    expect(message).toContain("0 to 7");
  });

  test("bans n-grams in linear time, whatever their size", () => {
    const prompt = new Array<number>(30_000).fill(1);
    const options = samplingOptions({ no_repeat_ngram_size: 15_000 });
    let reads = 0;
    const counted = new Proxy(prompt, {
      get: (target, key) => {
        if (typeof key === "string" && key !== "length") reads++;
        return Reflect.get(target, key);
      },
    });
    const { token } = createSampler(options).next(Float32Array.of(1, 2), {
      prompt: counted,
      generated: [],
    });
    expect(token).toBe(0);
    expect(reads).toBeLessThan(8 * prompt.length);
  });
});

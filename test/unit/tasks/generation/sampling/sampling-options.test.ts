import { describe, expect, test } from "vitest";
import { toSamplingOptions } from "../../../../../src/tasks/generation/sampling/sampling-options.ts";
import { catchApiError } from "../../../../support/errors.ts";
import { samplingOptions } from "../../../../support/sampling.ts";

const DEFAULTS = {
  doSample: true,
  temperature: 0.6,
  topK: 50,
  topP: 0.9,
  minP: 0.1,
  typicalP: 0.8,
  repetitionPenalty: 1.1,
  noRepeatNgramSize: 3,
  badWordsIds: [[4]],
  minNewTokens: 2,
  eosTokenIds: [0, 4],
};

describe("sampling options", () => {
  test("without parameters are the model's own values", () => {
    expect(toSamplingOptions({}, DEFAULTS)).toEqual({
      ...DEFAULTS,
      presencePenalty: 0,
      frequencyPenalty: 0,
      logitBias: new Map(),
      seed: undefined,
    });
  });

  test("without parameters and values of the model take the most probable token", () => {
    expect(toSamplingOptions({}, { eosTokenIds: [] })).toEqual({
      doSample: false,
      temperature: 1,
      topK: undefined,
      topP: undefined,
      minP: undefined,
      typicalP: undefined,
      repetitionPenalty: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
      noRepeatNgramSize: 0,
      badWordsIds: [],
      logitBias: new Map(),
      minNewTokens: 0,
      eosTokenIds: [],
      seed: undefined,
    });
  });

  test("of a request replace the model's own values", () => {
    const options = toSamplingOptions(
      {
        temperature: 2,
        top_k: 0,
        top_p: 1,
        min_p: 0,
        typical_p: 1,
        repetition_penalty: 1,
        no_repeat_ngram_size: 0,
        bad_words_ids: [],
        min_new_tokens: 0,
        presence_penalty: 0.5,
        frequency_penalty: -0.5,
        logit_bias: { "7": 1.5, "12": -100 },
        seed: 3,
      },
      DEFAULTS,
    );
    expect(options).toEqual({
      doSample: true,
      temperature: 2,
      topK: undefined,
      topP: undefined,
      minP: undefined,
      typicalP: undefined,
      repetitionPenalty: 1,
      presencePenalty: 0.5,
      frequencyPenalty: -0.5,
      noRepeatNgramSize: 0,
      badWordsIds: [],
      logitBias: new Map([
        [7, 1.5],
        [12, -100],
      ]),
      minNewTokens: 0,
      eosTokenIds: [0, 4],
      seed: 3,
    });
  });

  test.each([
    { temperature: 0.5 },
    { top_k: 5 },
    { top_p: 0.5 },
    { min_p: 0.5 },
    { typical_p: 0.5 },
  ])("with %j ask for draws", (parameters) => {
    expect(samplingOptions(parameters).doSample).toBe(true);
  });

  test.each([
    { temperature: 1 },
    { top_k: 0 },
    { top_p: 1 },
    { min_p: 0 },
    { typical_p: 1 },
    { seed: 1 },
  ])("with %j do not ask for draws", (parameters) => {
    expect(samplingOptions(parameters).doSample).toBe(false);
    expect(samplingOptions({ ...parameters, do_sample: false }).doSample).toBe(false);
  });

  test("refuse parameters of draws with do_sample false", () => {
    const { message, details } = catchApiError("invalid_request", () =>
      samplingOptions({ do_sample: false, temperature: 0.7, top_k: 0, top_p: 0.9 }),
    );
    expect(message).toContain("temperature 0.7, top_p 0.9 would have no effect");
    expect(details).toEqual({ field: "do_sample", without: ["temperature", "top_p"] });
  });

  test("with do_sample false ignore the model's own values for draws", () => {
    expect(toSamplingOptions({ do_sample: false }, DEFAULTS).doSample).toBe(false);
  });

  test.each([
    [{ temperature: 0 }, "expected number to be >0, received 0", "temperature"],
    [{ temperature: "hot" }, 'expected number, received "hot"', "temperature"],
    [{ top_k: 1.5 }, "expected int, received 1.5", "top_k"],
    [{ top_k: -1 }, "expected number to be >=0, received -1", "top_k"],
    [{ top_p: 1.2 }, "expected number to be <=1, received 1.2", "top_p"],
    [{ min_p: -0.1 }, "expected number to be >=0, received -0.1", "min_p"],
    [{ typical_p: 0 }, "expected number to be >0, received 0", "typical_p"],
    [{ repetition_penalty: 0 }, "expected number to be >=0.01, received 0", "repetition_penalty"],
    [{ presence_penalty: 2.1 }, "expected number to be <=2, received 2.1", "presence_penalty"],
    [{ frequency_penalty: -3 }, "expected number to be >=-2, received -3", "frequency_penalty"],
    [{ no_repeat_ngram_size: true }, "expected number, received true", "no_repeat_ngram_size"],
    [{ bad_words_ids: [[1], []] }, "expected array to have >=1 items", "bad_words_ids[1]"],
    [
      { bad_words_ids: [[1], [-1]] },
      "expected number to be >=0, received -1",
      "bad_words_ids[1][0]",
    ],
    [
      { bad_words_ids: new Array(1025).fill([1]) },
      "expected array to have <=1024 items",
      "bad_words_ids",
    ],
    [{ logit_bias: { the: 1 } }, 'received "the"', "logit_bias.the"],
    [{ logit_bias: { "5": 101 } }, "expected number to be <=100, received 101", "logit_bias.5"],
    [{ min_new_tokens: -1 }, "expected number to be >=0, received -1", "min_new_tokens"],
    [{ seed: 2 ** 53 }, "received 9007199254740992", "seed"],
    [{ topk: 5 }, 'Unrecognized key: "topk"', "top_k"],
  ])(
    "of %j are refused with the name, what is expected and what was received",
    (parameters, part, field) => {
      const { message } = catchApiError("invalid_request", () => samplingOptions(parameters));
      expect(message).toContain(part);
      expect(message).toContain(field);
    },
  );

  test("refuse a bias for more than 1024 tokens", () => {
    const bias = Object.fromEntries(Array.from({ length: 1025 }, (_, token) => [token, 1]));
    const { message } = catchApiError("invalid_request", () =>
      samplingOptions({ logit_bias: bias }),
    );
    expect(message).toContain("at most 1024 tokens");
    expect(message).toContain("logit_bias");
  });
});

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { PromptToken } from "../../../../src/domain/blocks/postprocess/text-generation.ts";
import { createCall } from "../../../../src/domain/call.ts";
import type { ErrorCode } from "../../../../src/domain/errors.ts";
import type { ModelRuntime } from "../../../../src/domain/ports.ts";
import { TokenIds } from "../../../../src/domain/token-ids.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import {
  CACHE_FORMS,
  FIRST_CASE,
  GENERATION_CASES,
  GENERATION_CONTEXT,
  VOCABULARY,
} from "../../../support/generation-fixtures.ts";
import {
  collect,
  createGenerationTask,
  type GenerationTask,
} from "../../../support/generation-task.ts";
import { CELL_BYTES, createPool } from "../../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** A small model in the runtime of Node; expected tokens and texts are those of Python (`test/fixtures/generation`). */

/** Of natural logarithms of probabilities: sums of single precision in another order. */
const TOLERANCE = 1e-4;

interface Details {
  readonly finish_reason: string;
  readonly generated_tokens: number;
  readonly seed: number | null;
  readonly tokens: readonly { id: number; text: string; logprob: number; special: boolean }[];
  readonly top_tokens?: readonly (readonly { id: number; logprob: number }[])[];
}

let pool: ModelRuntime;
let growing: GenerationTask;
let inPlace: GenerationTask;

beforeAll(async () => {
  stubWorkersGlobals();
  pool = createPool(4 * CELL_BYTES);
  inPlace = await createGenerationTask(pool, "in-place");
  growing = await createGenerationTask(pool, "growing");
});
afterAll(() => void vi.unstubAllGlobals());

async function generate(
  task: GenerationTask,
  inputs: string,
  parameters: Record<string, unknown> = {},
): Promise<{ generated_text: string; details: Details }> {
  const { value } = await task.whole({ inputs, parameters: { details: true, ...parameters } });
  return (value as [{ generated_text: string; details: Details }])[0];
}

const idsOf = ({ tokens }: Pick<Details, "tokens">): number[] => tokens.map(({ id }) => id);

describe.each(CACHE_FORMS)("a model with a cache of the form %s", (form) => {
  test.each(GENERATION_CASES)("generates the tokens of Python after $prompt", async (expected) => {
    const task = await createGenerationTask(pool, form);
    const { generated_text, details } = await generate(task, expected.prompt);
    expect(idsOf(details)).toEqual(expected.tokens);
    for (const [at, { logprob }] of details.tokens.entries())
      expect(Math.abs(logprob - (expected.logprobs[at] ?? 0))).toBeLessThanOrEqual(TOLERANCE);
    expect(generated_text).toBe(expected.prompt + expected.text);
    expect(details).toMatchObject({
      finish_reason: "length",
      generated_tokens: expected.tokens.length,
      seed: null,
    });
  });

  test("copies only the inputs of a run into the heap, and only the last logits out of it", async () => {
    const task = await createGenerationTask(pool, form);
    await task.whole({ inputs: "a", parameters: { max_new_tokens: 1 } });
    const before = pool.stats();
    const { ids, prompt } = GENERATION_CASES[3] as (typeof GENERATION_CASES)[number];
    await task.whole({ inputs: prompt, parameters: { max_new_tokens: 5 } });
    const after = pool.stats();
    expect(after.bytesOut - before.bytesOut).toBe(5 * VOCABULARY * 4);
    // Ids, mask and positions of 8 bytes each, and a few scalars: no keys and values, which have 128 bytes for each token.
    expect(after.bytesIn - before.bytesIn).toBeLessThan(ids.length * 8 * (ids.length + 20));
  });
});

test("several texts of one model at once are each the same as alone", async () => {
  const all = await Promise.all(
    [...GENERATION_CASES, ...GENERATION_CASES].map(({ prompt }, index) =>
      generate(index % 2 === 0 ? inPlace : growing, prompt),
    ),
  );
  expect(all.map(({ details }) => idsOf(details))).toEqual(
    [...GENERATION_CASES, ...GENERATION_CASES].map(({ tokens }) => tokens),
  );
});

test("token ids are continued like the text that they are of", async () => {
  for (const { prompt, ids, text } of GENERATION_CASES) {
    const { value } = await inPlace.whole({ inputs: new TokenIds(ids) });
    // Special tokens are no part of a text.
    expect(value).toEqual([{ generated_text: prompt.replace("<|user|>", "") + text }]);
  }
});

test.each([
  [[], "inputs has no tokens"],
  [[5, VOCABULARY], `the token ${VOCABULARY} is not in its vocabulary`],
])("the token ids %j are refused", async (ids, message) => {
  const request = inPlace.whole({ inputs: new TokenIds(ids) });
  const error = await rejectedApiError("invalid_input", request);
  expect(error.message).toContain(message);
});

test.each(CACHE_FORMS)(
  "tokens of a prompt have the probabilities of Python, with the cache %s",
  async (form) => {
    const task = await createGenerationTask(pool, form);
    const { ids, tokens, logprobs } = FIRST_CASE;
    const all = [...ids, ...tokens.slice(0, -1)];
    const parameters = {
      details: true,
      decoder_input_details: true,
      top_n_tokens: 2,
      max_new_tokens: 1,
    };
    const inputs = new TokenIds(all);
    const { value } = await task.whole({ inputs, parameters });
    const [{ details }] = value as [{ details: Details & { prefill: readonly PromptToken[] } }];
    expect(details.prefill.map(({ id }) => id)).toEqual(all);
    expect(details.prefill[0]).toMatchObject({ logprob: null });
    expect(details.prefill[0]).not.toHaveProperty("top_tokens");
    for (const [at, expected] of logprobs.slice(0, -1).entries()) {
      const token = details.prefill[ids.length + at];
      // Greedy tokens are the most probable ones.
      for (const logprob of [token?.logprob, token?.top_tokens?.[0]?.logprob])
        expect(Math.abs((logprob ?? 0) - expected)).toBeLessThanOrEqual(TOLERANCE);
    }
    expect(details.tokens[0]?.id).toBe(tokens.at(-1));
    const { parts } = await task.stream({ inputs, parameters });
    expect((await collect(parts))[0]).toMatchObject({ prefill: details.prefill });
  },
);

test("tokens of a prompt are returned without probabilities, and without a run of their own", async () => {
  const { prompt, ids } = FIRST_CASE;
  const parameters = { details: true, prompt_details: true, max_new_tokens: 1 };
  await inPlace.whole({ inputs: prompt, parameters });
  const before = pool.stats().bytesOut;
  const { value } = await inPlace.whole({ inputs: prompt, parameters });
  expect(pool.stats().bytesOut - before).toBe(VOCABULARY * 4);
  const [{ details }] = value as [{ details: { prefill: readonly PromptToken[] } }];
  expect(details.prefill.map(({ id }) => id)).toEqual(ids);
  expect(details.prefill.map(({ text }) => text).join("")).toBe(prompt);
  expect(details.prefill.every(({ logprob }) => logprob === null)).toBe(true);
});

test("raw_logprobs are the model's own, whatever tokens are chosen by", async () => {
  const drawn = { temperature: 0.3, top_k: 2, presence_penalty: 1.5, seed: 3, top_n_tokens: 3 };
  const { details } = await generate(inPlace, FIRST_CASE.prompt, { ...drawn, raw_logprobs: true });
  const { ids } = FIRST_CASE;
  const parameters = { details: true, decoder_input_details: true, top_n_tokens: 3 };
  const inputs = new TokenIds([...ids, ...idsOf(details)]);
  const { value } = await inPlace.whole({
    inputs,
    parameters: { ...parameters, max_new_tokens: 1 },
  });
  const [read] = value as [{ details: { prefill: readonly PromptToken[] } }];
  for (const [at, token] of details.tokens.entries()) {
    const { logprob, top_tokens } = read.details.prefill[ids.length + at] as PromptToken;
    expect(Math.abs(token.logprob - (logprob ?? 0))).toBeLessThanOrEqual(TOLERANCE);
    expect(details.top_tokens?.[at]?.map(({ id }) => id)).toEqual(top_tokens?.map(({ id }) => id));
  }
  const { details: chosen } = await generate(inPlace, FIRST_CASE.prompt, drawn);
  expect(idsOf(chosen)).toEqual(idsOf(details));
  expect(chosen.tokens[0]?.logprob).not.toBeCloseTo(details.tokens[0]?.logprob ?? 0, 3);
});

test("a streamed text is the whole one, token by token", async () => {
  for (const { prompt, text, tokens } of GENERATION_CASES) {
    const { parts } = await inPlace.stream({ inputs: prompt, parameters: { details: true } });
    const streamed = await collect(parts);
    expect(streamed.map(({ token }) => token.id)).toEqual(tokens);
    expect(streamed.map(({ index }) => index)).toEqual(tokens.map((_, index) => index + 1));
    expect(streamed.map(({ token }) => token.text).join("")).toBe(text);
    expect(streamed.slice(0, -1).every((part) => part.generated_text === null)).toBe(true);
    expect(streamed.at(-1)).toMatchObject({
      generated_text: prompt + text,
      details: { finish_reason: "length", generated_tokens: tokens.length, seed: null },
    });
  }
});

test("a list of prompts is a list of lists in its order, with the tokens of all", async () => {
  const [a, b] = GENERATION_CASES;
  const call = createCall();
  const { value, usage } = await inPlace.whole(
    { inputs: [a?.prompt, b?.prompt], parameters: { return_full_text: false } },
    call,
  );
  expect(value).toEqual([[{ generated_text: a?.text }], [{ generated_text: b?.text }]]);
  const inputTokens = (a?.ids.length ?? 0) + (b?.ids.length ?? 0);
  expect(usage).toEqual({ inputTokens, cachedTokens: 0, outputTokens: 48 });
  expect(call.trace.generation).toMatchObject({
    inputTokens,
    outputTokens: 48,
    finishReason: "length",
  });
});

describe("a text ends", () => {
  const [, example] = GENERATION_CASES;
  const { prompt, tokens, text } = example as (typeof GENERATION_CASES)[number];

  test("with a token that ends texts, which is counted", async () => {
    const end = tokens[4] as number;
    const task = await createGenerationTask(pool, "in-place", { eosTokenIds: [end] });
    const { details } = await generate(task, prompt);
    expect(idsOf(details)).toEqual(tokens.slice(0, tokens.indexOf(end) + 1));
    expect(details.finish_reason).toBe("eos_token");
  });

  test("not with such a token before min_new_tokens", async () => {
    const task = await createGenerationTask(pool, "in-place", { eosTokenIds: [tokens[0]] });
    const { details } = await generate(task, prompt, { min_new_tokens: 3 });
    expect(details.generated_tokens).toBeGreaterThanOrEqual(3);
  });

  test("with a stop string that begins in one token and ends in another", async () => {
    const stop = text.slice(7, 10);
    const { generated_text, details } = await generate(inPlace, prompt, { stop: ["absent", stop] });
    expect(generated_text).toBe(prompt + text.slice(0, text.indexOf(stop) + stop.length));
    expect(details.finish_reason).toBe("stop_sequence");
    const { parts } = await inPlace.stream({ inputs: prompt, parameters: { stop: [stop] } });
    const streamed = await collect(parts);
    expect(prompt + streamed.map(({ token }) => token.text).join("")).toBe(generated_text);
    expect(streamed.at(-1)?.generated_text).toBe(generated_text);
  });

  test("after max_new_tokens, and by default where the context ends", async () => {
    expect((await generate(inPlace, prompt, { max_new_tokens: 3 })).details).toMatchObject({
      finish_reason: "length",
      generated_tokens: 3,
    });
    const task = await createGenerationTask(pool, "in-place", { maxNewTokens: 127 });
    const { details } = await generate(task, "a".repeat(100));
    expect(details).toMatchObject({ finish_reason: "length", generated_tokens: 28 });
  });
});

test("the same seed draws the same text again, and a text without one tells its seed", async () => {
  const first = await generate(inPlace, "Once", { do_sample: true, temperature: 1.5 });
  const { seed } = first.details;
  expect(seed).toBeTypeOf("number");
  expect(await generate(inPlace, "Once", { temperature: 1.5, seed })).toEqual(first);
  const { details } = await generate(growing, "Once", { temperature: 1.5, seed });
  expect(idsOf(details)).toEqual(idsOf(first.details));
  const texts = await Promise.all(
    [1, 2, 3].map((other) => generate(inPlace, "Once", { temperature: 1.5, seed: other })),
  );
  expect(new Set(texts.map(({ generated_text }) => generated_text)).size).toBe(3);
});

test("special tokens have a text of their own, which is no part of the result", async () => {
  const { generated_text, details } = await generate(inPlace, "a", {
    max_new_tokens: 2,
    logit_bias: { "1": 100 },
  });
  expect(generated_text).toBe("a");
  expect(details.tokens.map(({ text, special }) => [text, special])).toEqual([
    ["<|user|>", true],
    ["<|user|>", true],
  ]);
});

test("a prompt begins with the token of the manifest, unless it begins with a special one", async () => {
  const [END, USER] = [0, 1];
  const begun = await createGenerationTask(pool, "in-place", {}, { bosTokenId: END });
  const tokensOf = async (task: GenerationTask, inputs: string) =>
    idsOf((await generate(task, inputs)).details);
  const plain = await tokensOf(inPlace, "<|end|>list");
  expect(await tokensOf(begun, "list")).toEqual(plain);
  expect(await tokensOf(begun, "<|end|>list")).toEqual(plain);
  expect(await tokensOf(inPlace, "list")).not.toEqual(plain);
  const chat = GENERATION_CASES.find(({ ids }) => ids[0] === USER);
  expect(await tokensOf(begun, chat?.prompt ?? "")).toEqual(chat?.tokens);
});

test("half of a surrogate pair is the replacement character, also where the prompt is returned", async () => {
  const broken = await generate(inPlace, "a \ud83d b", { max_new_tokens: 3 });
  expect(broken).toEqual(await generate(inPlace, "a \ufffd b", { max_new_tokens: 3 }));
  expect(broken.generated_text.isWellFormed()).toBe(true);
});

test("top_n_tokens returns the most probable tokens of each step", async () => {
  const { details } = await generate(inPlace, FIRST_CASE.prompt, { top_n_tokens: 3 });
  expect(details.top_tokens).toHaveLength(24);
  for (const [at, top] of (details.top_tokens ?? []).entries()) {
    expect(top).toHaveLength(3);
    expect(top[0]?.id).toBe(FIRST_CASE.tokens[at]);
    expect(top[1]?.logprob).toBeLessThanOrEqual(top[0]?.logprob ?? 0);
  }
});

test("truncate reads the last tokens of a prompt", async () => {
  const { prompt, ids } = GENERATION_CASES[3] as (typeof GENERATION_CASES)[number];
  const call = createCall();
  const request = { inputs: prompt, parameters: { truncate: 10, return_full_text: false } };
  const { value } = await inPlace.whole(request, call);
  expect(call.trace.generation?.inputTokens).toBe(10);
  expect(ids.length).toBeGreaterThan(10);
  const end = " lazy dog ";
  const alone = await inPlace.whole({ inputs: end, parameters: { return_full_text: false } });
  expect(end.length).toBe(10);
  expect(value).toEqual(alone.value);
});

describe("is refused before anything runs:", () => {
  test.each<[string, unknown, Record<string, unknown>, RegExp, ErrorCode?]>([
    ["an empty prompt", "", {}, /^inputs is empty/, "invalid_input"],
    ["no text", 5, {}, /^inputs must be a text/, "invalid_input"],
    ["an empty prompt of a list", ["a", ""], {}, /^inputs\[1\] is empty/, "invalid_input"],
    [
      "a prompt as long as the context",
      "a".repeat(GENERATION_CONTEXT),
      {},
      /^inputs has 128 tokens, and the model's context has 128/,
      "invalid_input",
    ],
    [
      "more tokens than the context has room for",
      "a".repeat(100),
      { max_new_tokens: 29 },
      /"max_new_tokens" is 29 and inputs has 100 tokens, which are 129 together.* 128: at most 28/,
      "invalid_input",
    ],
    ["more than the answer", "a", { min_new_tokens: 25 }, /"min_new_tokens" is 25, and 24/],
    ["no tokens", "a", { max_new_tokens: 0 }, /max_new_tokens/],
    ["a grammar", "a", { grammar: { type: "json", value: { not: {} } } }, /"grammar"/],
    ["an adapter", "a", { adapter_id: "x" }, /"adapter_id"/],
    ["several texts", "a", { best_of: 2 }, /must be 1, because one text is generated/],
    ["a watermark", "a", { watermark: true }, /must be false, because texts are not marked/],
    ["probabilities of the prompt", "a", { decoder_input_details: true }, /has an effect only/],
    ["a temperature without draws", "a", { do_sample: false, temperature: 2 }, /temperature/],
    ["a token that does not exist", "a", { logit_bias: { "9999": 1 } }, /9999/],
    ["top tokens that are not returned", "a", { top_n_tokens: 2 }, /"top_n_tokens"/],
  ])("%s", async (_, inputs, parameters, message, code = "invalid_request") => {
    const { runs, loads } = { runs: pool.stats().bytesIn, loads: pool.stats().loads };
    const error = await rejectedApiError(code, inPlace.whole({ inputs, parameters }));
    expect(error.message).toMatch(message);
    expect(pool.stats()).toMatchObject({ bytesIn: runs, loads, leases: [] });
  });

  test("a list of prompts for a stream", async () => {
    const error = await rejectedApiError("invalid_request", inPlace.stream({ inputs: ["a"] }));
    expect(error.message).toMatch(/"stream" is true, and "inputs" is a list/);
  });
});

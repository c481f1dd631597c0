import { describe, expect, test } from "vitest";
import { createCall } from "../../../src/domain/call.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import type { PublishedModel } from "../../../src/domain/published-model.ts";
import { TokenIds } from "../../../src/domain/token-ids.ts";
import { generateChoices } from "../../../src/protocols/openai/generate-choices.ts";
import {
  createGenerationApp,
  eventsOf,
  streamOf,
  type TestText,
} from "../../support/generated-parts.ts";

/** `/v1/completions` by `app.request`, with texts of a task that the test plays. */

const ENDED: TestText = {
  tokens: [
    { id: 7, text: "a" },
    { id: 8, text: " cat" },
    { id: 0, text: "<|endoftext|>", special: true },
  ],
  finish: "eos_token",
};
const CUT: TestText = { tokens: ENDED.tokens.slice(0, 2), finish: "length" };
const PATH = "/v1/completions";

interface Completion {
  readonly id: string;
  readonly choices: readonly {
    readonly index: number;
    readonly text: string;
    readonly logprobs: Record<string, unknown> | null;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Record<string, unknown> | null;
}

async function complete(value: object, ...texts: TestText[]): Promise<Completion> {
  const response = await createGenerationApp(...texts).post(PATH, value);
  expect(response.status).toBe(200);
  return (await response.json()) as Completion;
}

async function chunks(value: object, ...texts: TestText[]): Promise<(Completion | "[DONE]")[]> {
  const response = await createGenerationApp(...texts).post(PATH, { stream: true, ...value });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  return (await eventsOf(response)) as (Completion | "[DONE]")[];
}

const choicesOf = (events: readonly (Completion | "[DONE]")[]) =>
  events.flatMap((event) => (event === "[DONE]" ? [] : event.choices));

describe("a whole completion", () => {
  test("a completion has its text, why it ended and the tokens that were used", async () => {
    const { id, ...rest } = await complete({ prompt: "Once" }, ENDED);
    expect(id).toMatch(/^cmpl-/);
    expect(rest).toMatchObject({
      object: "text_completion",
      model: "pocket-gpt",
      choices: [{ index: 0, text: "a cat", logprobs: null, finish_reason: "stop" }],
      usage: {
        prompt_tokens: 3,
        completion_tokens: 3,
        total_tokens: 6,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
    expect((await complete({ prompt: "Once" }, CUT)).choices[0]?.finish_reason).toBe("length");
  });

  test("choices of several prompts are numbered in the order of the prompts", async () => {
    const app = createGenerationApp(CUT, ENDED, CUT, { ...ENDED, promptTokens: 5 });
    const response = await app.post(PATH, { prompt: ["a", "b"], n: 2, seed: 9 });
    const { choices, usage } = (await response.json()) as Completion;
    expect(choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
      [0, "length"],
      [1, "stop"],
      [2, "length"],
      [3, "stop"],
    ]);
    // Each prompt counts once, by its first choice.
    expect(usage).toMatchObject({ prompt_tokens: 6, completion_tokens: 10 });
    const asked = app.requests.map(({ inputs, parameters }) => [inputs, parameters.seed]);
    expect(asked).toEqual([
      ["a", 9],
      ["a", 10],
      ["b", 9],
      ["b", 10],
    ]);
  });

  test("a stop string is no part of the text", async () => {
    const stopped: TestText = {
      tokens: [
        { id: 1, text: "one\n" },
        { id: 2, text: "\nEND" },
      ],
      finish: "stop_sequence",
    };
    const { choices } = await complete(
      { prompt: "a", stop: "\n\n" },
      {
        ...stopped,
        tokens: [
          { id: 1, text: "one\n" },
          { id: 2, text: "\n" },
        ],
      },
    );
    expect(choices).toMatchObject([{ text: "one", finish_reason: "stop" }]);
    const other = await complete({ prompt: "a", stop: ["END", "x"] }, stopped);
    expect(other.choices[0]?.text).toBe("one\n\n");
  });

  test("what the last token completes is part of the text", async () => {
    const { choices } = await complete({ prompt: "a" }, { ...ENDED, rest: "\u{FFFD}" });
    expect(choices[0]?.text).toBe("a cat\u{FFFD}");
  });

  test("echo begins each choice with its prompt", async () => {
    const { choices } = await complete({ prompt: ["Once ", "Twice "], echo: true }, CUT, CUT);
    expect(choices.map(({ text }) => text)).toEqual(["Once a cat", "Twice a cat"]);
  });

  interface Streamed {
    readonly choices: readonly [{ text: string; logprobs: Record<string, unknown[]> }];
  }
  const PREFILL = [
    { id: 0, text: "<s>", logprob: null, special: true, added: true },
    { id: 5, text: "It", logprob: -2, special: false, top_tokens: [{ text: "A", logprob: -1 }] },
    {
      id: 6,
      text: " is",
      logprob: -0.5,
      special: false,
      top_tokens: [{ text: " is", logprob: -0.5 }],
    },
  ];

  test("echo of token ids is their text, without tokens that were added", async () => {
    const { choices } = await complete(
      { prompt: [5, 6], echo: true },
      { ...CUT, prefill: PREFILL },
    );
    expect(choices[0]).toMatchObject({ text: "It isa cat", logprobs: null });
  });

  test("echo with logprobs begins with those of the prompt's tokens", async () => {
    const text = { ...CUT, prefill: PREFILL };
    const request = { prompt: "It is", echo: true, logprobs: 1 };
    const expected = {
      tokens: ["It", " is", "a", " cat"],
      token_logprobs: [-2, -0.5, -0.5, -0.5],
      top_logprobs: [{ A: -1, It: -2 }, { " is": -0.5 }, { a: -0.5 }, { " cat": -0.5 }],
      text_offset: [0, 2, 5, 6],
    };
    const { choices } = await complete(request, text);
    expect(choices[0]).toMatchObject({ text: "It isa cat", logprobs: expected });
    const streamed = (await chunks(request, text)).slice(0, -1) as unknown as Streamed[];
    const parts = streamed.map(({ choices: [choice] }) => choice);
    expect(parts.map((part) => part.text).join("")).toBe("It isa cat");
    for (const key of ["tokens", "token_logprobs", "top_logprobs", "text_offset"] as const)
      expect(parts.flatMap(({ logprobs }) => logprobs[key])).toEqual(expected[key]);
  });

  test("max_tokens 0 with echo has the prompt alone, whose first token has no probability", async () => {
    const [, ...prefill] = PREFILL;
    const first = { ...prefill[0], logprob: null };
    const text = { ...CUT, tokens: CUT.tokens.slice(0, 1), prefill: [first, prefill[1]] };
    const request = { prompt: "It is", echo: true, logprobs: 0, max_tokens: 0 };
    expect(await complete(request, text)).toMatchObject({
      choices: [
        {
          text: "It is",
          logprobs: {
            tokens: ["It", " is"],
            token_logprobs: [null, -0.5],
            top_logprobs: [null, {}],
          },
          finish_reason: "length",
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 },
    });
  });

  test("logprobs are of the tokens of the text, with the most probable ones", async () => {
    const text: TestText = {
      tokens: [
        {
          id: 7,
          text: "😀",
          logprob: -1,
          top: [
            ["x", -0.5],
            ["😀", -1],
          ],
        },
        {
          id: 8,
          text: " cat",
          logprob: -3,
          top: [
            ["y", -0.25],
            ["z", -2],
          ],
        },
        { id: 0, text: "<|endoftext|>", special: true, top: [["q", -1]] },
      ],
      finish: "eos_token",
    };
    const { choices } = await complete({ prompt: "a", logprobs: 2 }, text);
    expect(choices[0]?.logprobs).toEqual({
      tokens: ["😀", " cat"],
      token_logprobs: [-1, -3],
      top_logprobs: [
        { x: -0.5, "😀": -1 },
        { y: -0.25, z: -2, " cat": -3 },
      ],
      text_offset: [0, 1],
    });
  });
});

describe("a streamed completion", () => {
  test("each token is a chunk, and only the last one has a reason", async () => {
    const events = await chunks({ prompt: "Once" }, ENDED);
    expect(events.at(-1)).toBe("[DONE]");
    expect(choicesOf(events)).toEqual([
      { index: 0, text: "a", logprobs: null, finish_reason: null },
      { index: 0, text: " cat", logprobs: null, finish_reason: null },
      { index: 0, text: "", logprobs: null, finish_reason: "stop" },
    ]);
    const ids = new Set(events.map((event) => event !== "[DONE]" && event.id));
    expect(ids.size).toBe(2);
    expect(events.some((event) => event !== "[DONE]" && "usage" in event)).toBe(false);
  });

  test("the usage is a chunk without choices before the end", async () => {
    const stream_options = { include_usage: true };
    const events = await chunks({ prompt: "Once", n: 2, stream_options }, ENDED, CUT);
    expect(events.at(-2)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
    });
    expect(events.slice(0, -2).every((event) => event !== "[DONE]" && event.usage === null)).toBe(
      true,
    );
    expect(choicesOf(events).map(({ index }) => index)).toEqual([0, 0, 0, 1, 1]);
  });

  test("what may begin a stop string is held back until it is none", async () => {
    const tokens = ["one", "\n", "two", "\n"].map((text, id) => ({ id, text }));
    const events = await chunks(
      { prompt: "a", stop: ["\n\n"], echo: true },
      { tokens, finish: "length" },
    );
    expect(choicesOf(events).map(({ text }) => text)).toEqual(["aone", "\ntwo", "\n"]);
  });

  test("a failure in the middle is an event in OpenAI's form, and the end", async () => {
    const failure = new ApiError("deadline_exceeded", "Too late.");
    const events = await chunks({ prompt: "a" }, { ...CUT, failure });
    expect(events).toHaveLength(3);
    expect(events.at(-1)).toEqual({
      error: {
        message: "Too late.",
        type: "rate_limit_error",
        param: null,
        code: "deadline_exceeded",
      },
    });
  });
});

describe("the parameters of the task", () => {
  test.each([
    [{}, { max_new_tokens: 16 }],
    [
      { temperature: 0, top_p: 0.5, max_tokens: 3 },
      { max_new_tokens: 3, do_sample: false },
    ],
    [{ temperature: 1 }, { max_new_tokens: 16, do_sample: true, temperature: 1 }],
    [
      { top_p: 0.5, seed: 4 },
      { max_new_tokens: 16, top_p: 0.5, seed: 4 },
    ],
    [
      { stop: "x", logprobs: 0 },
      { max_new_tokens: 16, stop: ["x"], raw_logprobs: true },
    ],
    [
      { stop: ["x", "y"], logprobs: 3 },
      { max_new_tokens: 16, stop: ["x", "y"], top_n_tokens: 3, raw_logprobs: true },
    ],
    [
      { logit_bias: { 5: -100 }, presence_penalty: 1, frequency_penalty: -2 },
      { max_new_tokens: 16, logit_bias: { 5: -100 }, presence_penalty: 1, frequency_penalty: -2 },
    ],
    [{ echo: true }, { max_new_tokens: 16, prompt_details: true }],
    [
      { echo: true, logprobs: 0, max_tokens: 0 },
      { max_new_tokens: 1, decoder_input_details: true, raw_logprobs: true },
    ],
    [
      { user: "a", metadata: { a: "b" }, best_of: 1, suffix: null, colour: null },
      { max_new_tokens: 16 },
    ],
  ])("of %j are %j", async (fields, parameters) => {
    const app = createGenerationApp(ENDED);
    expect((await app.post(PATH, { prompt: "a", ...fields })).status).toBe(200);
    const always = { return_full_text: false, details: true };
    expect(app.requests).toEqual([
      { inputs: "a", parameters: { ...always, ...parameters }, stream: true },
    ]);
  });

  test("token ids are the inputs as they are", async () => {
    const app = createGenerationApp(ENDED);
    await app.post(PATH, { prompt: [5, 6] });
    await app.post(PATH, { prompt: [[5], [6, 7]] });
    expect(app.requests.map(({ inputs }) => inputs)).toEqual([
      new TokenIds([5, 6]),
      new TokenIds([5]),
      new TokenIds([6, 7]),
    ]);
  });
});

describe("a request is refused, with the field", () => {
  test.each([
    [{ prompt: "a", suffix: "b" }, "suffix"],
    [{ prompt: "a", n: 2, best_of: 3 }, "best_of"],
    [{ prompt: "a", best_of: 2 }, "best_of"],
    [{ prompt: "a", n: 0 }, "n"],
    [{ prompt: ["a", "b"], n: 65 }, "n"],
    [{ prompt: "a", max_tokens: 0 }, "max_tokens"],
    [{ prompt: "a", logprobs: 6 }, "logprobs"],
    [{ prompt: "a", max_tokens: 0 }, "max_tokens"],
    [{ prompt: "a", temperature: 2.5 }, "temperature"],
    [{ prompt: "a", top_p: -1 }, "top_p"],
    [{ prompt: "a", presence_penalty: 3 }, "presence_penalty"],
    [{ prompt: "a", logit_bias: { a: 1 } }, "logit_bias.a"],
    [
      { prompt: "a", logit_bias: Object.fromEntries([...Array(1025).keys()].map((id) => [id, 1])) },
      "logit_bias",
    ],
    [{ prompt: "a", stream_options: { include_usage: true } }, "stream_options"],
    [{ prompt: "a", stop: [""] }, "stop.0"],
    [{ prompt: "a", stop: 5 }, "stop"],
    [{ prompt: "a", seed: 2 ** 53 - 1, n: 2 }, "seed"],
    [{ prompt: "a", colour: 1 }, "colour"],
    [{ prompt: [] }, "prompt"],
    [{ prompt: ["a", 5] }, "prompt"],
    [{ prompt: [[]] }, "prompt.0"],
    [{}, "prompt"],
    [{ prompt: "a", model: "iris-logistic" }, "model"],
    [{ prompt: "a", model: "gpt-4" }, "model"],
  ])("%j", async (value, param) => {
    const app = createGenerationApp(ENDED);
    const response = await app.post(PATH, value);
    const { error } = (await response.json()) as { error: { param: string; message: string } };
    expect({ status: response.status, param: error.param }).toEqual({
      status: "model" in value && value.model === "gpt-4" ? 404 : 400,
      param,
    });
    expect(error.message).not.toContain("Invalid input");
    expect(app.requests).toHaveLength(0);
  });
});

describe("choices that are not read to their end", () => {
  const request = {
    inputs: "a",
    parameters: {},
    stops: [],
    nameField: (error: unknown): never => {
      throw error;
    },
  };
  const model = {} as PublishedModel;

  test("the work ends when the first choice was not read at all", async () => {
    let returned = 0;
    const run = async () => streamOf(CUT, () => void returned++);
    const deltas = await generateChoices(run, model, [request, request], createCall());
    await deltas.return?.();
    expect(returned).toBe(1);
    expect(await deltas.next()).toMatchObject({ done: false });
  });

  test("a choice that began while the client left is ended", async () => {
    const second = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    let begun = 0;
    let returned = 0;
    const run = async () => {
      begun += 1;
      if (begun === 2) {
        second.resolve();
        await left.promise;
      }
      return streamOf(CUT, () => void returned++);
    };
    const deltas = await generateChoices(run, model, [request, request], createCall());
    await deltas.next();
    await deltas.next();
    const pending = deltas.next();
    await second.promise;
    await deltas.return?.();
    left.resolve();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect({ begun, returned }).toEqual({ begun: 2, returned: 2 });
  });
});

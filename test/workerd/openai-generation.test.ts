import { readFileSync } from "node:fs";
import { InferenceClient } from "@huggingface/inference";
import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { findModel, publishWithFile } from "../support/publish.ts";
import { type Service, startService } from "../support/service.ts";

/**
 * OpenAI's own client with the Worker in workerd; the texts are those that ONNX Runtime in Python generates greedily with
 * the same model (`recipes/pocket_gpt.py`).
 */

interface Case {
  /** Of prompts in the form of a chat, by the model's template in Python. */
  readonly messages?: readonly OpenAI.ChatCompletionMessageParam[];
  readonly prompt: string;
  readonly ids: readonly number[];
  readonly tokens: readonly number[];
  readonly text: string;
  /** How many of the tokens are ahead of all others by more than the kernels of two machines differ. */
  readonly certain: number;
}

const { cases, endTokens } = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "generation", "pocket-gpt.json"), "utf8"),
) as { cases: readonly Case[]; endTokens: readonly number[] };
const certain = cases.filter(({ tokens, certain: count }) => count === tokens.length);
/** Of more than a few tokens; the first one has as many as were generated at most. */
const texts = certain
  .filter(({ tokens }) => tokens.length >= 12)
  .toSorted((a, b) => b.tokens.length - a.tokens.length);
const [first] = texts as [Case, ...Case[]];
const model = "pocket-gpt";

const finishOf = ({ tokens }: Case) =>
  endTokens.includes(tokens.at(-1) ?? -1) ? "stop" : "length";
const usageOf = ({ ids, tokens }: Case) => ({
  prompt_tokens: ids.length,
  completion_tokens: tokens.length,
  total_tokens: ids.length + tokens.length,
  prompt_tokens_details: { cached_tokens: expect.any(Number) },
});

let service: Service;
let client: OpenAI;

beforeAll(async () => {
  service = await startService({ models: [model] });
  client = new OpenAI({ baseURL: `${service.origin}/v1`, apiKey: "sk-any", maxRetries: 0 });
});

afterAll(() => service?.dispose());

async function failure(promise: Promise<unknown>): Promise<APIError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof APIError)) throw new Error(`no error of the API: ${error}`);
  return error;
}

describe("completions", () => {
  test("there are texts to compare with", () => {
    expect(texts.length).toBeGreaterThan(8);
    expect(finishOf(first)).toBe("length");
  });

  test.each(texts)("$prompt is continued as by Python, whole and streamed", async (expected) => {
    const request = {
      model,
      prompt: [...expected.ids],
      max_tokens: expected.tokens.length,
      temperature: 0,
    };
    const { choices, usage } = await client.completions.create(request);
    expect(choices).toEqual([
      { index: 0, text: expected.text, logprobs: null, finish_reason: finishOf(expected) },
    ]);
    expect(usage).toEqual(usageOf(expected));
    let text = "";
    const reasons: unknown[] = [];
    const stream_options = { include_usage: true };
    const stream = await client.completions.create({ ...request, stream: true, stream_options });
    let last: OpenAI.Completion | undefined;
    for await (const chunk of stream) {
      last = chunk;
      text += chunk.choices[0]?.text ?? "";
      reasons.push(chunk.choices[0]?.finish_reason);
    }
    expect(text).toBe(expected.text);
    expect(last).toMatchObject({ choices: [], usage: usageOf(expected) });
    expect(reasons.slice(-2)).toEqual([finishOf(expected), undefined]);
    expect(reasons.slice(0, -2).every((reason) => reason === null)).toBe(true);
  });

  test("a text is continued by what its own route generates", async () => {
    const inputs = "The old man looked at the sea and";
    const parameters = { max_new_tokens: 16, return_full_text: false };
    const { body } = await service.post(`/models/${model}`, { inputs, parameters });
    const { choices } = await client.completions.create({ model, prompt: inputs });
    expect(choices.map(({ text }) => text)).toEqual([
      (body as [{ generated_text: string }])[0].generated_text,
    ]);
  });

  test("drawn texts are the same for the same seed, and choices differ", async () => {
    const request = {
      model,
      prompt: ["The old man", "She had never been so"],
      n: 2,
      temperature: 1,
      seed: 11,
      max_tokens: 12,
    };
    const once = await client.completions.create(request);
    const again = await client.completions.create(request);
    expect(once.choices).toHaveLength(4);
    expect(once.choices).toEqual(again.choices);
    expect(new Set(once.choices.map(({ text }) => text)).size).toBe(4);
    const event = await service.event(once.id.replace("cmpl-", ""));
    expect(event).toMatchObject({
      generation: {
        "gen_ai.usage.output_tokens": once.usage?.completion_tokens,
        "gen_ai.response.finish_reasons": ["length"],
      },
    });
    const second = await client.completions.create({ ...request, n: 1, seed: 12 });
    expect(second.choices.map(({ text }) => text)).toEqual([
      once.choices[1]?.text,
      once.choices[3]?.text,
    ]);
  });

  test("a text ends before a stop string", async () => {
    const stop = first.text.slice(5, 9);
    const { choices } = await client.completions.create({
      model,
      prompt: [...first.ids],
      max_tokens: first.tokens.length,
      stop,
    });
    const text = first.text.slice(0, first.text.indexOf(stop));
    expect(choices).toMatchObject([{ text, finish_reason: "stop" }]);
  });

  test("logprobs are those of the tokens, together the text", async () => {
    const { choices } = await client.completions.create({
      model,
      prompt: [...first.ids],
      max_tokens: first.tokens.length,
      logprobs: 3,
    });
    const { tokens = [], token_logprobs = [], top_logprobs = [] } = choices[0]?.logprobs ?? {};
    expect(tokens.join("")).toBe(first.text);
    for (const [at, logprob] of token_logprobs.entries()) {
      const best = Math.max(...Object.values(top_logprobs?.[at] ?? {}));
      expect(logprob).toBe(best);
    }
  });

  test("echo with logprobs gives a text the probabilities with which it was generated", async () => {
    const request = { model: `${model}@1`, max_tokens: 8, temperature: 1, seed: 3, logprobs: 2 };
    const { choices } = await client.completions.create({ ...request, prompt: first.prompt });
    const generated = choices[0]?.logprobs;
    const prompt = first.prompt + choices[0]?.text;
    const scored = { ...request, prompt, echo: true, max_tokens: 0 };
    const read = await client.completions.create(scored);
    expect(read.model).toBe(`${model}@1`);
    expect(read.choices[0]).toMatchObject({ text: prompt, finish_reason: "length" });
    expect(read.usage).toMatchObject({ completion_tokens: 0 });
    const { tokens = [], token_logprobs = [], text_offset = [] } = read.choices[0]?.logprobs ?? {};
    expect(tokens.join("")).toBe(prompt);
    expect(tokens.slice(-8)).toEqual(generated?.tokens);
    for (const [at, logprob] of (generated?.token_logprobs ?? []).entries())
      expect(token_logprobs.at(at - 8)).toBeCloseTo(logprob, 3);
    expect(text_offset).toEqual(tokens.map((_, at) => [...tokens.slice(0, at).join("")].length));
    let streamed = "";
    for await (const chunk of await client.completions.create({ ...scored, stream: true }))
      streamed += chunk.choices[0]?.text;
    expect(streamed).toBe(prompt);
  });

  test("token ids are echoed as their text", async () => {
    const request = { model, prompt: [...first.ids], max_tokens: 4, echo: true };
    const { choices } = await client.completions.create(request);
    expect(choices[0]?.text).toBe(
      first.prompt +
        (await client.completions.create({ ...request, echo: false })).choices[0]?.text,
    );
  });

  test("a prompt that is not valid is refused before the texts of others begin", async () => {
    for (const [prompt, message] of [
      [["a", ""], "prompt[1] is empty"],
      [["a", "b", "word ".repeat(1500)], "those of prompt[2] are 15"],
      [[[5], [9000]], "the token 9000 is not in its vocabulary"],
    ] as const) {
      const response = await service.post("/v1/completions", { model, prompt, stream: true });
      expect(response).toMatchObject({ status: 400, body: { error: { param: "prompt" } } });
      expect(JSON.stringify(response.body)).toContain(message);
    }
  });

  test("a bias of -100 keeps a token out of the text", async () => {
    const [token = 0] = first.tokens;
    const request = { model, prompt: [...first.ids], max_tokens: 1 };
    const before = await client.completions.create(request);
    const after = await client.completions.create({ ...request, logit_bias: { [token]: -100 } });
    expect(after.choices[0]?.text).not.toBe(before.choices[0]?.text);
  });

  test("a request for a cached response is refused: none is cached", async () => {
    const headers = { "cache-control": "only-if-cached" };
    const request = { model, prompt: first.prompt };
    const error = await failure(client.completions.create(request, { headers }));
    expect(error).toMatchObject({ status: 504, code: "not_cached" });
  });

  test("a client that leaves in the middle ends the generation", async () => {
    const controller = new AbortController();
    const stream = await client.completions.create(
      { model, prompt: "The old man looked at", max_tokens: 900, stream: true },
      { signal: controller.signal },
    );
    let id = "";
    let received = 0;
    for await (const chunk of stream) {
      id = chunk.id;
      received += 1;
      if (received === 3) controller.abort();
    }
    const event = await service.event(id.replace("cmpl-", ""));
    expect(event).toMatchObject({ errorCode: "client_closed_request" });
    expect(event.generation?.["gen_ai.usage.output_tokens"]).toBeLessThanOrEqual(received + 2);
  });

  test("a deadline in the middle is an error of the stream", async () => {
    const stream = await client.completions.create(
      { model, prompt: "The old man looked at", max_tokens: 1000, stream: true },
      { headers: { "x-timeout-ms": "1000" } },
    );
    let text = "";
    const read = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.text;
    };
    const error = await failure(read());
    expect(error).toMatchObject({ code: "deadline_exceeded", type: "rate_limit_error" });
    expect(text.length).toBeGreaterThan(0);
  });

  test.each([
    ["an empty prompt", { prompt: "" }, "prompt", "prompt is empty"],
    ["an empty prompt of two", { prompt: ["a", ""] }, "prompt", "prompt[1] is empty"],
    [
      "a prompt longer than the context",
      { prompt: "word ".repeat(1500) },
      "prompt",
      "maximum context length is 1024 tokens, and those of prompt are 15",
    ],
    [
      "more tokens than the context has room for",
      { prompt: [...first.ids], max_tokens: 1024 },
      "max_tokens",
      `max_tokens can be ${1024 - first.ids.length} at most, and is 1024`,
    ],
    [
      "an unknown token",
      { prompt: [5, 9000] },
      "prompt",
      "the token 9000 is not in its vocabulary",
    ],
    [
      "a bias of an unknown token",
      { prompt: "a", logit_bias: { 8192: 1 } },
      "logit_bias",
      "logit_bias has the token 8192",
    ],
  ])("%s is refused", async (_, change, param, message) => {
    const error = await failure(client.completions.create({ model, ...change }));
    expect(error).toMatchObject({ status: 400, type: "invalid_request_error", param });
    expect(error.message).toContain(message);
  });
});

test("Hugging Face's client chats and continues texts at the address of the server", async () => {
  const huggingFace = new InferenceClient("hf_any", { endpointUrl: service.origin });
  const expected = texts.find(({ messages }) => messages?.length === 1);
  const content = String(expected?.messages?.[0]?.content);
  const messages = [{ role: "user", content }];
  const max_tokens = expected?.tokens.length ?? 0;
  const whole = await huggingFace.chatCompletion({ model, messages, max_tokens });
  expect(whole.choices[0]?.message.content).toBe(expected?.text);
  let streamed = "";
  for await (const { choices } of huggingFace.chatCompletionStream({ model, messages, max_tokens }))
    streamed += choices[0]?.delta.content ?? "";
  expect(streamed).toBe(expected?.text);
  const prompt = "The old man looked at the sea and";
  const { generated_text } = await huggingFace.textGeneration({ model, inputs: prompt });
  const { choices } = await client.completions.create({ model, prompt });
  expect(generated_text).toBe(choices[0]?.text);
});

describe("chat completions", () => {
  const chats = texts.flatMap(({ messages = [], ...expected }) =>
    messages.length > 0 ? [{ ...expected, messages: [...messages] }] : [],
  );
  const [chat] = chats as [(typeof chats)[number], ...typeof chats];

  test("there are answers to compare with", () => {
    expect(chats.length).toBeGreaterThan(8);
  });

  test.each(chats)("$prompt is answered as by Python, whole and streamed", async (expected) => {
    const { messages, text, tokens } = expected;
    const request = { model, messages, max_completion_tokens: tokens.length, temperature: 0 };
    const { choices, usage } = await client.chat.completions.create(request);
    expect(choices).toEqual([
      {
        index: 0,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: null,
        finish_reason: finishOf(expected),
      },
    ]);
    expect(usage).toEqual(usageOf(expected));
    const stream = client.chat.completions.stream({
      ...request,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks[0]?.choices).toMatchObject([
      { delta: { role: "assistant", content: "" }, finish_reason: null },
    ]);
    expect(chunks.slice(1, -2).every(({ choices: [each] }) => each?.finish_reason === null)).toBe(
      true,
    );
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: usageOf(expected) });
    const whole = await stream.finalChatCompletion();
    expect(whole.choices).toMatchObject(choices);
    expect(whole.usage).toEqual(usage);
  });

  test("a conversation has its turns, a developer's message and parts", async () => {
    const system = "You answer with one shell command.";
    const [request] = chat.messages.slice(-1);
    const written = await client.chat.completions.create({
      model,
      messages: [
        { role: "developer", content: system },
        { role: "user", content: [{ type: "text", text: "Hello" }] },
        { role: "assistant", content: "ls", refusal: null },
        ...(request ? [request] : []),
      ],
      max_tokens: 12,
    });
    const text = [
      `<|system|>\n${system}<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nls<|end|>\n`,
      `<|user|>\n${request?.content}<|end|>\n<|assistant|>\n`,
    ].join("");
    const continued = await client.completions.create({ model, prompt: text, max_tokens: 12 });
    expect(written.choices[0]?.message.content).toBe(continued.choices[0]?.text);
    const counted = { ...continued.usage, prompt_tokens_details: expect.anything() };
    expect(written.usage).toEqual(counted);
  });

  test("logprobs have the bytes of the text, and the most probable tokens", async () => {
    const { choices } = await client.chat.completions.create({
      model,
      messages: chat.messages,
      max_tokens: 16,
      logprobs: true,
      top_logprobs: 2,
    });
    const [choice] = choices;
    const content = choice?.logprobs?.content ?? [];
    const bytes = content.flatMap((token) => token.bytes ?? []);
    expect(Buffer.from(bytes).toString()).toBe(choice?.message.content);
    for (const { token, logprob, top_logprobs } of content) {
      expect(top_logprobs).toHaveLength(2);
      // The most probable token is taken.
      expect(top_logprobs[0]).toMatchObject({ token, logprob });
    }
  });

  test("drawn answers are the same for the same seed", async () => {
    const request = {
      model,
      messages: [{ role: "user" as const, content: "Tell me a story" }],
      n: 3,
      temperature: 2,
      seed: 3,
      max_tokens: 12,
    };
    const once = await client.chat.completions.create(request);
    const again = await client.chat.completions.create(request);
    expect(once.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(new Set(once.choices.map(({ message }) => message.content)).size).toBe(3);
    expect(again.choices).toEqual(once.choices);
  });

  test("a client that leaves in the middle ends the generation", async () => {
    const stream = client.chat.completions.stream({
      model,
      messages: [{ role: "user", content: "Tell me a story" }],
      max_tokens: 900,
      logit_bias: { 0: -100, 4: -100 },
    });
    let id = "";
    let received = 0;
    const read = async () => {
      for await (const chunk of stream) {
        id = chunk.id;
        received += 1;
        if (received === 4) stream.abort();
      }
    };
    await read().catch(() => undefined);
    const event = await service.event(id.replace("chatcmpl-", ""));
    expect(event).toMatchObject({ errorCode: "client_closed_request" });
    expect(event.generation?.["gen_ai.usage.output_tokens"]).toBeLessThanOrEqual(received + 2);
  });

  test.each([
    [
      "a conversation longer than the context",
      { messages: [{ role: "user" as const, content: "word ".repeat(1500) }] },
      "messages",
      "maximum context length is 1024 tokens, and those of messages are 15",
    ],
    [
      "more tokens than the context has room for",
      { max_completion_tokens: 1024 },
      "max_completion_tokens",
      "max_completion_tokens can be",
    ],
    [
      "a conversation of too many characters",
      { messages: [{ role: "user" as const, content: "a".repeat(65_537) }] },
      "messages",
      "messages have 65537 characters",
    ],
  ])("%s is refused", async (_, change, param, message) => {
    const request = { model, messages: chat.messages, ...change };
    const error = await failure(client.chat.completions.create(request));
    expect(error).toMatchObject({ status: 400, type: "invalid_request_error", param });
    expect(error.message).toContain(message);
  });

  test("a conversation that the template refuses is refused with its reason", async () => {
    const found = findModel(model);
    const strict = { name: "strict-template", version: "1" };
    const config = JSON.stringify({
      chat_template: "{{ raise_exception('Only the weather is talked about.') }}",
    });
    await publishWithFile(service.bucket, found, strict, "tokenizer_config.json", config);
    const error = await failure(
      client.chat.completions.create({ model: strict.name, messages: chat.messages }),
    );
    expect(error).toMatchObject({ status: 400, code: "invalid_input", param: "messages" });
    expect(error.message).toContain("Only the weather is talked about");
    const { choices } = await client.completions.create({
      model: strict.name,
      prompt: [...chat.ids],
      max_tokens: 4,
    });
    expect(chat.text.startsWith(choices[0]?.text ?? "none")).toBe(true);
  });
});

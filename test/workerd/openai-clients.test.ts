import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI, OpenAI as LangChainOpenAI } from "@langchain/openai";
import { generateText, Output, streamText } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { type Service, startService } from "../support/service.ts";

/** The Vercel AI SDK and LangChain, with nothing but another base URL. */

const model = "pocket-gpt";
const prompt = "How do I compare two files with diff?";
const shape = z.object({
  command: z.string(),
  options: z.array(z.enum(["-a", "-b"])).max(2),
  exitCode: z.int().min(0).max(2),
  note: z.string().nullable(),
});

let service: Service;
let baseURL: string;
/** Greedy. */
let answer: string;

beforeAll(async () => {
  service = await startService({ models: [model] });
  baseURL = `${service.origin}/v1`;
  const { body } = await service.post("/v1/chat/completions", {
    model,
    messages: [{ role: "user", content: prompt }],
    temperature: 0,
    max_tokens: 24,
  });
  answer = (body as { choices: [{ message: { content: string } }] }).choices[0].message.content;
});

afterAll(() => service?.dispose());

/** The request that a client has sent last. */
let lastRequest = "";

/** Remembers the requests of a client, of which the client itself does not tell. */
const remember: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  lastRequest = response.headers.get("x-request-id") ?? "";
  return response;
};

/** No text of pocket-gpt ends before its limit without the tokens that end one. */
const WITHOUT_END = { 0: -100, 4: -100 };

async function expectEnded(): Promise<void> {
  const event = await service.event(lastRequest);
  expect(event).toMatchObject({ errorCode: "client_closed_request" });
  expect(event.generation?.["gen_ai.usage.output_tokens"]).toBeLessThan(50);
}

describe.each([
  [
    "openai-compatible",
    () =>
      createOpenAICompatible({
        name: "onnxflare",
        baseURL,
        apiKey: "any",
        fetch: remember,
        includeUsage: true,
        supportsStructuredOutputs: true,
      })(model),
  ],
  ["openai", () => createOpenAI({ baseURL, apiKey: "any", fetch: remember }).chat(model)],
] as const)("the AI SDK with its provider %s", (_, create) => {
  test("generates and streams the same text, with its usage", async () => {
    const request = { model: create(), prompt, temperature: 0, maxOutputTokens: 24 };
    const whole = await generateText(request);
    expect(whole.text).toBe(answer);
    expect(whole.usage.outputTokens).toBeGreaterThan(1);
    const stream = streamText(request);
    let text = "";
    for await (const part of stream.textStream) text += part;
    expect(text).toBe(answer);
    expect(await stream.finishReason).toBe(whole.finishReason);
    expect((await stream.usage).outputTokens).toBe(whole.usage.outputTokens);
  });

  test("generates and streams objects of a schema", async () => {
    const request = {
      model: create(),
      prompt,
      output: Output.object({ schema: shape }),
      temperature: 1.3,
      maxOutputTokens: 160,
    };
    const { output } = await generateText(request);
    expect(shape.parse(output)).toEqual(output);
    const stream = streamText(request);
    const partial: unknown[] = [];
    for await (const part of stream.partialOutputStream) partial.push(part);
    expect(partial.length).toBeGreaterThan(1);
    expect(shape.parse(await stream.output)).toEqual(await stream.output);
  });

  test("ends the generation when the client leaves", async () => {
    const controller = new AbortController();
    const stream = streamText({
      model: create(),
      prompt: "Tell me a story",
      maxOutputTokens: 800,
      providerOptions: {
        openai: { logitBias: WITHOUT_END },
        onnxflare: { logit_bias: WITHOUT_END },
      },
      abortSignal: controller.signal,
      onError: () => undefined,
    });
    let parts = 0;
    for await (const part of stream.fullStream)
      if (part.type === "text-delta" && ++parts === 3) controller.abort();
    await expectEnded();
  });

  test("reports the error of the server", async () => {
    const request = generateText({ model: create(), prompt, maxOutputTokens: 5000, maxRetries: 0 });
    await expect(request).rejects.toThrow("maximum context length is 1024 tokens");
  });
});

describe("LangChain", () => {
  const create = (fields: object = {}) =>
    new ChatOpenAI({
      model,
      apiKey: "any",
      maxRetries: 0,
      maxTokens: 24,
      temperature: 0,
      configuration: { baseURL, fetch: remember },
      ...fields,
    });

  test("invokes and streams the same message, with its usage", async () => {
    const whole = await create().invoke(prompt);
    expect(whole.content).toBe(answer);
    expect(whole).toMatchObject({ usage_metadata: { output_tokens: expect.any(Number) } });
    let text = "";
    for await (const chunk of await create().stream(prompt)) text += chunk.content;
    expect(text).toBe(answer);
  });

  test("answers a conversation of several roles, and several at once", async () => {
    const message = await create().invoke([
      ["system", "Answer with a command."],
      ["human", "a"],
      ["ai", "b"],
      ["human", prompt],
    ]);
    expect(typeof message.content).toBe("string");
    const all = await create().batch([prompt, prompt, prompt]);
    expect(all.map(({ content }) => content)).toEqual([answer, answer, answer]);
  });

  test.each(["jsonSchema", "jsonMode"] as const)("has structured output by %s", async (method) => {
    const chat = create({ temperature: 1.2, maxTokens: 200 });
    if (method === "jsonSchema") {
      const value = await chat.withStructuredOutput(shape, { method }).invoke(prompt);
      expect(shape.parse(value)).toEqual(value);
      return;
    }
    const value = await chat
      .withStructuredOutput(z.record(z.string(), z.unknown()), { method })
      .invoke(prompt);
    expect(Object.prototype.toString.call(value)).toBe("[object Object]");
  });

  test("continues a text", async () => {
    const completions = new LangChainOpenAI({
      model,
      apiKey: "any",
      maxRetries: 0,
      temperature: 0,
      maxTokens: 8,
      configuration: { baseURL },
    });
    const text = await completions.invoke("It was a dark night, and the");
    const { body } = await service.post("/v1/completions", {
      model,
      prompt: "It was a dark night, and the",
      temperature: 0,
      max_tokens: 8,
    });
    expect(text).toBe((body as { choices: [{ text: string }] }).choices[0].text);
  });

  test("ends when the client leaves", async () => {
    const controller = new AbortController();
    const read = async (): Promise<void> => {
      const endless = create({ maxTokens: 800, modelKwargs: { logit_bias: WITHOUT_END } });
      const stream = await endless.stream("Tell me a story", {
        signal: controller.signal,
      });
      let parts = 0;
      for await (const _ of stream) if (++parts === 3) controller.abort();
    };
    await expect(read()).rejects.toThrow(/abort/i);
    await expectEnded();
  });

  test("reports a context that is too long as such", async () => {
    await expect(create().invoke("word ".repeat(2000))).rejects.toThrow("maximum context length");
  });
});

import { describe, expect, test } from "vitest";
import { Conversation } from "../../../src/domain/conversation.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { createGenerationApp, eventsOf, type TestText } from "../../support/generated-parts.ts";

/** `/v1/chat/completions` by `app.request`, with texts of a task that the test plays. */

const PATH = "/v1/chat/completions";
const MESSAGES = [{ role: "user", content: "a" }];
const ENDED: TestText = {
  tokens: [
    { id: 7, text: "a" },
    { id: 8, text: " cat" },
    { id: 4, text: "<|end|>", special: true },
  ],
  finish: "eos_token",
};
const CUT: TestText = { tokens: ENDED.tokens.slice(0, 2), finish: "length" };

async function chunks(value: object, ...texts: TestText[]): Promise<Record<string, unknown>[]> {
  const app = createGenerationApp(...texts);
  const response = await app.post(PATH, { messages: MESSAGES, stream: true, ...value });
  return (await eventsOf(response)) as Record<string, unknown>[];
}

test("a completion has the message, why it ended and the tokens that were used", async () => {
  const response = await createGenerationApp(ENDED).post(PATH, { messages: MESSAGES });
  const { id, ...rest } = (await response.json()) as Record<string, unknown>;
  expect(id).toMatch(/^chatcmpl-/);
  expect(rest).toMatchObject({
    object: "chat.completion",
    model: "pocket-gpt",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "a cat", refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
  });
});

test("a stream begins with the role of each choice, and only its last chunk has a reason", async () => {
  const events = await chunks({ n: 2, stream_options: { include_usage: true } }, ENDED, CUT);
  expect(events.at(-1)).toBe("[DONE]");
  expect(events.at(-2)).toMatchObject({
    object: "chat.completion.chunk",
    choices: [],
    usage: { prompt_tokens: 3, completion_tokens: 5 },
  });
  const choice = (index: number, delta: object, finish_reason: string | null = null) => ({
    index,
    delta,
    logprobs: null,
    finish_reason,
  });
  const role = { role: "assistant", content: "", refusal: null };
  expect(events.slice(0, -2).flatMap(({ choices }) => choices)).toEqual([
    choice(0, role),
    choice(0, { content: "a" }),
    choice(0, { content: " cat" }),
    choice(0, {}, "stop"),
    choice(1, role),
    choice(1, { content: "a" }),
    choice(1, { content: " cat" }),
    choice(1, {}, "length"),
  ]);
});

test("logprobs are sent with the chunk of their token, also while text is held back", async () => {
  const tokens = [
    { id: 1, text: "one", logprob: -1, top: [["two", -0.5] as const] },
    { id: 2, text: "\n", logprob: -2, top: [["\u{FFFD}", -3] as const] },
    { id: 3, text: "é", logprob: -4, top: [] },
  ];
  const events = await chunks(
    { logprobs: true, top_logprobs: 1, stop: "\n\n" },
    { tokens, finish: "length" },
  );
  const choices = events.slice(1, -2).flatMap(({ choices: each }) => each as object[]);
  const logged = (content: object[]) => ({ content, refusal: null });
  expect(choices).toMatchObject([
    {
      delta: { content: "one" },
      logprobs: logged([
        {
          token: "one",
          logprob: -1,
          bytes: [111, 110, 101],
          top_logprobs: [{ token: "two", logprob: -0.5, bytes: [116, 119, 111] }],
        },
      ]),
    },
    {
      delta: { content: "" },
      logprobs: logged([
        {
          token: "\n",
          logprob: -2,
          bytes: [10],
          top_logprobs: [{ token: "\u{FFFD}", logprob: -3, bytes: null }],
        },
      ]),
    },
    {
      delta: { content: "\né" },
      logprobs: logged([{ token: "é", logprob: -4, bytes: [195, 169], top_logprobs: [] }]),
    },
  ]);
});

test("a whole response has a limit of probabilities, and a stream has none", async () => {
  const top = Array.from({ length: 19 }, (_, at) => [`${at}`, -at] as const);
  const tokens = Array.from({ length: 2000 }, (_, id) => ({ id, text: "a", top }));
  const app = createGenerationApp({ tokens, finish: "length" });
  const ask = (fields: object) =>
    app.post(PATH, { messages: MESSAGES, logprobs: true, top_logprobs: 19, ...fields });
  // 20 probabilities of each token.
  expect((await ask({ n: 2 })).status).toBe(200);
  const refused = await ask({ n: 3 });
  expect({ status: refused.status, body: await refused.json() }).toMatchObject({
    status: 400,
    body: { error: { param: "logprobs" } },
  });
  expect((await eventsOf(await ask({ n: 3, stream: true }))).at(-1)).toBe("[DONE]");
});

test("a failure in the middle is an event in OpenAI's form, and the end", async () => {
  const failure = new ApiError("engine_crashed", "The engine crashed.");
  const events = await chunks({}, { ...CUT, failure });
  expect(events.at(-1)).toEqual({
    error: {
      message: "The engine crashed.",
      type: "server_error",
      param: null,
      code: "engine_crashed",
    },
  });
});

test("messages are a conversation: developer is system, and parts are one text", async () => {
  const app = createGenerationApp(ENDED);
  const parts = [
    { type: "text", text: "a" },
    { type: "text", text: "b" },
  ];
  const messages = [
    { role: "developer", content: "Be brief." },
    { role: "user", content: parts, name: "ada" },
    { role: "assistant", content: "c", refusal: null, tool_calls: null },
  ];
  const response = await app.post(PATH, { messages, max_tokens: 5, max_completion_tokens: 5 });
  expect(response.status).toBe(200);
  expect(app.requests).toEqual([
    {
      inputs: new Conversation([
        { role: "system", content: "Be brief." },
        { role: "user", content: "a\nb", name: "ada" },
        { role: "assistant", content: "c" },
      ]),
      parameters: { max_new_tokens: 5, return_full_text: false, details: true },
      stream: true,
    },
  ]);
});

test("fields that cannot change an answer are accepted", async () => {
  const app = createGenerationApp(ENDED);
  const fields = {
    response_format: { type: "text" },
    modalities: ["text"],
    service_tier: "auto",
    store: false,
    prompt_cache_key: "a",
    safety_identifier: "a",
    user: "a",
    metadata: {},
    tools: null,
  };
  expect((await app.post(PATH, { messages: MESSAGES, ...fields })).status).toBe(200);
  expect(app.requests[0]?.parameters).toEqual({ return_full_text: false, details: true });
});

describe("a request is refused, with the field", () => {
  const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
  test.each<[object, string]>([
    [{ tools: [] }, "tools"],
    [{ tool_choice: "auto" }, "tool_choice"],
    [{ functions: [] }, "functions"],
    [{ parallel_tool_calls: false }, "parallel_tool_calls"],
    [{ response_format: { type: "xml" } }, "response_format.type"],
    [{ response_format: { type: "json_schema" } }, "response_format.json_schema"],
    [{ modalities: ["audio"] }, "modalities.0"],
    [{ audio: { voice: "alloy", format: "wav" } }, "audio"],
    [{ prediction: { type: "content", content: "a" } }, "prediction"],
    [{ reasoning_effort: "low" }, "reasoning_effort"],
    [{ verbosity: "low" }, "verbosity"],
    [{ web_search_options: {} }, "web_search_options"],
    [{ store: true }, "store"],
    [{ service_tier: "flex" }, "service_tier"],
    [{ top_logprobs: 2 }, "top_logprobs"],
    [{ logprobs: true, top_logprobs: 21 }, "top_logprobs"],
    [{ logprobs: 1 }, "logprobs"],
    [{ max_tokens: 1, max_completion_tokens: 2 }, "max_tokens"],
    [{ best_of: 2 }, "best_of"],
    [{ messages: [] }, "messages"],
    [{ messages: "a" }, "messages"],
    [{ messages: [{ role: "tool", content: "a" }] }, "messages.0.role"],
    [{ messages: [{ role: "user" }] }, "messages.0.content"],
    [{ messages: [{ role: "user", content: [image] }] }, "messages.0.content"],
    [{ messages: [{ role: "assistant", content: "a", tool_calls: [] }] }, "messages.0.tool_calls"],
    [{ model: "iris-logistic" }, "model"],
  ])("%j", async (value, param) => {
    const app = createGenerationApp(ENDED);
    const response = await app.post(PATH, { messages: MESSAGES, ...value });
    const { error } = (await response.json()) as { error: { param: string; message: string } };
    expect({ status: response.status, param: error.param }).toEqual({ status: 400, param });
    expect(error.message).not.toContain("Invalid input");
    expect(app.requests).toHaveLength(0);
  });
});

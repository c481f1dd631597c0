import { readFileSync } from "node:fs";
import { InferenceClient } from "@huggingface/inference";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import {
  CACHE_FORMS,
  GENERATION_CASES,
  type GenerationCase,
} from "../support/generation-fixtures.ts";
import type { StreamedToken } from "../support/generation-task.ts";
import { poll } from "../support/poll.ts";
import { beginPost } from "../support/raw-request.ts";
import type { TestResponse } from "../support/service.ts";
import { storeGeneration } from "../support/stored-generation.ts";

/**
 * Text generation in workerd, each model in an isolate of its own: a small model whose tokens Python computed
 * (`test/fixtures/generation`), and pocket-gpt, whose runs take some milliseconds.
 */

const POCKET = "/models/pocket-gpt";
/** Longer than any test waits. */
const LONG = { max_new_tokens: 900, min_new_tokens: 900, return_full_text: false };
const VOCABULARY_BYTES = 8192 * 4;

/** Greedy tokens of ONNX Runtime in Python that are certain to the end, of the shorter prompts. */
const POCKET_CASES = (
  JSON.parse(
    readFileSync(projectPath("test", "fixtures", "generation", "pocket-gpt.json"), "utf8"),
  ) as { cases: (GenerationCase & { certain: number })[] }
).cases.filter(({ tokens, certain, ids }) => certain === tokens.length && ids.length < 40);

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({
    models: ["iris-logistic", "pocket-gpt"],
    // Texts wait for one another's tokens, not for one another.
    vars: { TIMEOUT_MS: "120000", MAX_QUEUE_MS: "1000" },
  });
  for (const form of CACHE_FORMS) await storeGeneration(service.bucket, form);
}, 60_000);

afterAll(() => service?.dispose());

const iris = (): Promise<TestResponse> =>
  service.post("/models/iris-logistic", { inputs: [5.1, 3.5, 1.4, 0.2] });

async function isolateOf(name: string) {
  const { isolates } = await service.runtime();
  return isolates.find(({ model }) => model.name === name);
}

/** Waits until no lease is left; returns the isolate's counters. */
async function idleIsolate(name: string) {
  return poll("idle isolate", async () => {
    const isolate = await isolateOf(name);
    return isolate?.leases.length === 0 ? isolate : undefined;
  });
}

interface Streamed {
  readonly id: string;
  readonly parts: AsyncGenerator<StreamedToken | { readonly code: string; readonly error: string }>;
  leave(): void;
}

/** A streamed text; the parts are parsed as they arrive. */
async function stream(
  path: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Streamed> {
  const controller = new AbortController();
  const response = await fetch(`${service.origin}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ ...body, stream: true }),
    signal: controller.signal,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  return {
    id: response.headers.get("x-request-id") ?? "",
    parts: parseEvents(response.body as ReadableStream<Uint8Array>),
    leave: () => controller.abort(),
  };
}

async function* parseEvents(body: ReadableStream<Uint8Array>): Streamed["parts"] {
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice("data: ".length));
    }
  }
}

async function collect({ parts }: Streamed): Promise<StreamedToken[]> {
  const all: StreamedToken[] = [];
  for await (const part of parts) all.push(part as StreamedToken);
  return all;
}

describe.each(CACHE_FORMS)("a model with a cache of the form %s", (form) => {
  const path = `/models/tiny-${form}`;

  test("generates Python's text, whole and streamed, in an isolate of its own", async () => {
    for (const { prompt, text, tokens } of GENERATION_CASES) {
      const whole = await service.post(path, { inputs: prompt });
      expect(whole).toMatchObject({ status: 200, body: [{ generated_text: prompt + text }] });
      const streamed = await collect(await stream(path, { inputs: prompt }));
      expect(streamed.map(({ token }) => token.id)).toEqual(tokens);
      expect(streamed.map(({ token }) => token.text).join("")).toBe(text);
      expect(streamed.at(-1)?.generated_text).toBe(prompt + text);
    }
    expect(await idleIsolate(`tiny-${form}`)).toMatchObject({ loads: 1, crashes: 0 });
  });

  test("generates several texts at once, each the same as alone", async () => {
    const cases = [...GENERATION_CASES, ...GENERATION_CASES];
    const all = await Promise.all(
      cases.map(async ({ prompt }, index) =>
        index % 2 === 0
          ? ((await service.post(path, { inputs: prompt })).body as { generated_text: string }[])[0]
              ?.generated_text
          : (await collect(await stream(path, { inputs: prompt }))).at(-1)?.generated_text,
      ),
    );
    expect(all).toEqual(cases.map(({ prompt, text }) => prompt + text));
  });
});

test("a text of several characters a token and a list of texts are continued", async () => {
  const [a, b] = GENERATION_CASES;
  const response = await service.post("/models/tiny-in-place", { inputs: [a?.prompt, b?.prompt] });
  expect(response.body).toEqual(
    [a, b].map((each) => [{ generated_text: `${each?.prompt}${each?.text}` }]),
  );
  const raw = await service.request("/models/tiny-in-place?max_new_tokens=3&details=true", {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: b?.prompt ?? "",
  });
  expect(raw).toMatchObject({
    status: 200,
    body: [{ details: { finish_reason: "length", generated_tokens: 3 } }],
  });
  const streamed = await fetch(`${service.origin}/models/tiny-in-place?stream=true`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: b?.prompt ?? "",
  });
  expect(streamed.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const parts = await Array.fromAsync(parseEvents(streamed.body as ReadableStream<Uint8Array>));
  expect(parts.at(-1)).toMatchObject({ generated_text: `${b?.prompt}${b?.text}` });
});

test("eight texts of pocket-gpt at once, whole and streamed, have the tokens of Python", async () => {
  const some = POCKET_CASES.slice(0, 8);
  expect(some).toHaveLength(8);
  const parametersOf = ({ tokens }: (typeof some)[number]) => ({
    max_new_tokens: tokens.length,
    return_full_text: false,
    details: true,
  });
  const texts = await Promise.all(
    some.map(async (example, index) => {
      const body = { inputs: example.prompt, parameters: parametersOf(example) };
      if (index % 2 === 1) {
        const streamed = await collect(await stream(POCKET, body));
        return streamed.map(({ token }) => token.id);
      }
      const { body: result } = await service.post(POCKET, body);
      const [{ details }] = result as [{ details: { tokens: { id: number }[] } }];
      return details.tokens.map(({ id }) => id);
    }),
  );
  expect(texts).toEqual(some.map(({ tokens }) => tokens));
});

describe("a long text", () => {
  test("does not keep other requests from being answered", async () => {
    const long = await stream(POCKET, { inputs: "Once upon a time", parameters: LONG });
    const first = await long.parts.next();
    expect(first.value).toMatchObject({ index: 1 });
    let received = 1;
    const reading = (async () => {
      for await (const _ of long.parts) received += 1;
    })().catch(() => undefined);
    const tokensMeanwhile: number[] = [];
    for (let request = 0; request < 20; request++) {
      const before = received;
      expect((await iris()).status).toBe(200);
      tokensMeanwhile.push(received - before);
    }
    // Where everything has one thread, a request waits until the network is read, and for the token that is computed then.
    expect(tokensMeanwhile.sort((a, b) => a - b)[10]).toBeLessThanOrEqual(5);
    expect(received).toBeGreaterThan(10);
    // One of the text, and one of the texts that share its runs.
    expect((await isolateOf("pocket-gpt"))?.leases).toHaveLength(2);
    long.leave();
    await reading;
    await idleIsolate("pocket-gpt");
  });

  test("ends within two tokens after its client has left, and frees its memory", async () => {
    const before = await idleIsolate("pocket-gpt");
    const long = await stream(POCKET, { inputs: "Once upon a time", parameters: LONG });
    let received = 0;
    for await (const part of long.parts) {
      received = (part as StreamedToken).index;
      if (received === 10) break;
    }
    long.leave();
    const event = await service.event(long.id);
    const after = await idleIsolate("pocket-gpt");
    const computed = (after.bytesOut - before.bytesOut) / VOCABULARY_BYTES;
    expect(received).toBe(10);
    expect(computed).toBeGreaterThanOrEqual(received);
    expect(computed).toBeLessThanOrEqual(received + 2);
    expect(event).toMatchObject({
      errorCode: "client_closed_request",
      generation: {
        "gen_ai.usage.input_tokens": expect.any(Number),
        "gen_ai.usage.output_tokens": expect.any(Number),
        aborted: true,
      },
    });
    expect(event.generation?.["gen_ai.response.finish_reasons"]).toBeUndefined();
  });

  test("ends with its client when it is sent as a whole", async () => {
    const before = await idleIsolate("pocket-gpt");
    const body = { inputs: "Once upon a time", parameters: LONG };
    const socket = await beginPost(service.origin, POCKET, body, { "x-request-id": "left-whole" });
    await poll("token", async () => {
      const isolate = await isolateOf("pocket-gpt");
      return (isolate?.bytesOut ?? 0) > before.bytesOut ? isolate : undefined;
    });
    socket.resetAndDestroy();
    const event = await service.event("left-whole");
    expect(event).toMatchObject({ errorCode: "client_closed_request" });
    const after = await idleIsolate("pocket-gpt");
    const computed = (after.bytesOut - before.bytesOut) / VOCABULARY_BYTES;
    expect(computed).toBeLessThan(LONG.max_new_tokens);
    expect(event.generation?.["gen_ai.usage.output_tokens"]).toBeLessThanOrEqual(computed);
  });

  test("ends at its deadline, whole and streamed", async () => {
    const body = { inputs: "Once upon a time", parameters: LONG };
    const headers = { "x-timeout-ms": "400" };
    expect(await service.post(POCKET, body, headers)).toMatchObject({
      status: 429,
      body: { code: "deadline_exceeded" },
    });
    const long = await stream(POCKET, body, headers);
    const parts = await collect(long);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.at(-1)).toMatchObject({
      code: "deadline_exceeded",
      error: expect.stringMatching(/timeout of \d+ ms passed/),
      error_type: "generation",
    });
    expect(await service.event(long.id)).toMatchObject({
      errorCode: "deadline_exceeded",
      generation: { "gen_ai.usage.output_tokens": parts.length - 1, aborted: false },
    });
    await idleIsolate("pocket-gpt");
  });
});

test("a text is not generated for a request that allows only a cached response", async () => {
  const body = { inputs: "a", parameters: { max_new_tokens: 3 } };
  expect((await service.post("/models/tiny-in-place", body)).status).toBe(200);
  const headers = { "cache-control": "only-if-cached" };
  const response = await service.post("/models/tiny-in-place", body, headers);
  expect(response).toMatchObject({ status: 504, body: { code: "not_cached" } });
});

test("an event tells what was generated, whole and streamed", async () => {
  const [, example] = GENERATION_CASES;
  const body = { inputs: example?.prompt, parameters: { max_new_tokens: 5 } };
  const whole = await service.post("/models/tiny-in-place", body);
  const streamed = await stream("/models/tiny-in-place", body);
  await collect(streamed);
  for (const id of [whole.headers.get("x-request-id") ?? "", streamed.id]) {
    const event = await service.event(id);
    expect(event.generation).toMatchObject({
      "gen_ai.usage.input_tokens": example?.ids.length,
      "gen_ai.usage.output_tokens": 5,
      "gen_ai.response.finish_reasons": ["length"],
      aborted: false,
    });
    const seconds = event.generation?.["gen_ai.server.time_to_first_token"] ?? 0;
    expect(seconds).toBeLessThanOrEqual(event.totalMs / 1000);
  }
});

describe("is refused with what is wrong:", () => {
  test.each<[string, object, RegExp]>([
    ["an empty prompt", { inputs: "" }, /^inputs is empty/],
    [
      "a prompt longer than the context",
      { inputs: "word ".repeat(2000) },
      /^inputs has 2\d\d\d tokens, and the model's context has 1024/,
    ],
    [
      "more tokens than the context has",
      { inputs: "a", parameters: { max_new_tokens: 1024 } },
      /"max_new_tokens" is 1024 .* context has 1024/,
    ],
    ["a grammar", { inputs: "a", parameters: { grammar: {} } }, /grammar/],
    ["a number", { inputs: 5 }, /^inputs must be a text/],
    ["a list of streamed prompts", { inputs: ["a"], stream: true }, /"inputs" is a list/],
    ["stream that is no boolean", { inputs: "a", stream: "yes" }, /"stream" must be true or false/],
  ])("%s", async (_, body, message) => {
    const response = await service.post(POCKET, body);
    expect(response.status).toBe(400);
    expect((response.body as { detail: string }).detail).toMatch(message);
  });

  test("text that is not UTF-8", async () => {
    for (const type of ["text/plain", "application/json"]) {
      const body = Buffer.concat([
        Buffer.from('{"inputs": "'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}'),
      ]);
      const init = { method: "POST", headers: { "content-type": type }, body };
      const response = await service.request(POCKET, init);
      expect(response.status).toBe(400);
      expect((response.body as { detail: string }).detail).toMatch(/UTF-8/);
    }
  });

  test("stream, of a task that does not generate", async () => {
    const response = await service.post("/models/iris-logistic", {
      inputs: [5.1, 3.5, 1.4, 0.2],
      stream: true,
    });
    expect(response).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect((response.body as { detail: string }).detail).toMatch(
      /"stream" must be false or left out: results of iris-logistic \(tabular-classification\)/,
    );
    const whole = await service.post("/models/iris-logistic", {
      inputs: [5.1, 3.5, 1.4, 0.2],
      stream: false,
    });
    expect(whole.status).toBe(200);
  });
});

describe("Hugging Face's client", () => {
  const client = new InferenceClient("hf_any");
  const [, example] = GENERATION_CASES;
  const args = () => ({
    endpointUrl: `${service.origin}/models/tiny-growing`,
    inputs: example?.prompt ?? "",
    parameters: { return_full_text: false, details: true },
  });

  test("reads a whole text", async () => {
    const result = await client.request<{ generated_text: string; details: object }[]>(args());
    expect(result).toMatchObject([
      { generated_text: example?.text, details: { finish_reason: "length", generated_tokens: 24 } },
    ]);
  });

  test("reads a streamed text", async () => {
    let text = "";
    let last: StreamedToken | undefined;
    for await (const part of client.streamingRequest<StreamedToken>(args())) {
      text += part.token.text;
      last = part;
    }
    expect(text).toBe(example?.text);
    expect(last).toMatchObject({
      generated_text: example?.text,
      details: { finish_reason: "length", input_length: example?.ids.length },
    });
  });

  test("reads a text by its textGeneration, in the form of OpenAI's completions", async () => {
    const result = await client.textGeneration({
      endpointUrl: `${service.origin}/v1`,
      model: "tiny-growing",
      inputs: example?.prompt ?? "",
      parameters: { max_new_tokens: 24 },
    });
    expect(result.generated_text).toBe(example?.text);
  });

  test("gets the message of a stream that fails", async () => {
    const failing = async () => {
      const request = { ...args(), endpointUrl: `${service.origin}${POCKET}`, parameters: LONG };
      const fetchLate: typeof fetch = (url, init) => {
        const headers = new Headers(init?.headers);
        headers.set("x-timeout-ms", "300");
        return fetch(url, { ...init, headers });
      };
      for await (const _ of client.streamingRequest(request, { fetch: fetchLate }));
    };
    await expect(failing()).rejects.toThrow(/The request's timeout of \d+ ms passed/);
  });
});

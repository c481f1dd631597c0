import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { GENERATION_CASES } from "../../support/generation-fixtures.ts";
import type { TestResponse } from "../../support/service.ts";
import { storeGeneration } from "../../support/stored-generation.ts";

/** Texts from the cache, whose model runs in an isolate of its own. */

const MODEL = "tiny-growing";
const PATH = `/models/${MODEL}`;
/** The admin key sees how the cache is used for texts. */
const ADMIN = { authorization: `Bearer ${ADMIN_KEY}` };

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({
    models: ["pocket-gpt"],
    vars: { CACHE_TIERS: "isolate,kv", TIMEOUT_MS: "60000" },
  });
  await storeGeneration(service.bucket, "growing");
}, 60_000);

afterAll(() => service?.dispose());

let count = 0;
/** A prompt that no other test sends. */
function newPrompt(): string {
  count += 1;
  return `number ${count} `;
}

const send = (body: object, headers: Record<string, string> = {}): Promise<TestResponse> =>
  service.post(PATH, body, { ...ADMIN, ...headers });
const statusOf = ({ headers }: TestResponse): string => headers.get("cache-status") ?? "";
const eventOf = ({ headers }: TestResponse) => service.event(headers.get("x-request-id") ?? "");

/** The runs of the model until now. */
async function bytesIn(): Promise<number | undefined> {
  const { isolates } = await service.runtime();
  return isolates.find(({ model }) => model.name === MODEL)?.bytesIn;
}

test("a text is generated once, and sent again whole and streamed as it was computed", async () => {
  const body = { inputs: newPrompt(), parameters: { details: true, top_n_tokens: 2 } };
  const computed = await send(body);
  expect(statusOf(computed)).toMatch(/fwd=miss; ttl=\d+; stored; key="\w+"; detail=absent$/);
  const streamed = await send({ ...body, stream: true });
  expect(statusOf(streamed)).toMatch(/hit; ttl=\d+; key="\w+"; detail=isolate$/);
  const fresh = await send({ ...body, stream: true }, { "cache-control": "no-store" });
  expect(streamed.body).toBe(fresh.body);
  const again = await send(body);
  expect(again).toMatchObject({ status: 200, body: computed.body });
  expect(statusOf(again)).toMatch(/hit/);
  const events = await Promise.all([computed, streamed, again].map(eventOf));
  expect(events.map(({ cache }) => cache?.outcome)).toEqual(["miss", "hit", "hit"]);
  const [{ generation: first } = {}, ...others] = events;
  for (const { generation, phasesMs } of others) {
    expect(generation).toEqual({
      "gen_ai.usage.input_tokens": first?.["gen_ai.usage.input_tokens"],
      "gen_ai.usage.cache_read.input_tokens": 0,
      "gen_ai.usage.output_tokens": first?.["gen_ai.usage.output_tokens"],
      "gen_ai.response.finish_reasons": first?.["gen_ai.response.finish_reasons"],
      aborted: false,
    });
    expect(phasesMs).not.toHaveProperty("infer");
  }
});

test("a streamed text is stored, and is Python's", async () => {
  const [expected] = GENERATION_CASES.slice(-1);
  const body = { inputs: expected?.prompt };
  const streamed = await send({ ...body, stream: true });
  expect(statusOf(streamed)).toMatch(/fwd=miss/);
  const before = await bytesIn();
  const whole = await send(body);
  expect(whole.body).toEqual([{ generated_text: `${expected?.prompt}${expected?.text}` }]);
  expect(statusOf(whole)).toMatch(/hit/);
  expect(await bytesIn()).toBe(before);
});

test("identical requests at once are generated once, each in its form", async () => {
  const body = { inputs: newPrompt(), parameters: { details: true } };
  const forms = [true, false, true, true, false];
  const responses = await Promise.all(forms.map((stream) => send({ ...body, stream })));
  const fresh = await Promise.all(
    [true, false].map((stream) => send({ ...body, stream }, { "cache-control": "no-store" })),
  );
  for (const [index, stream] of forms.entries())
    expect(responses[index]?.body).toEqual(fresh[stream ? 0 : 1]?.body);
  const events = await Promise.all(responses.map(eventOf));
  const generated = events.filter(({ cache }) => cache?.outcome === "miss" && !cache.collapsed);
  expect(generated).toHaveLength(1);
});

test("a text with a seed is stored, and one that is drawn without is not", async () => {
  const inputs = newPrompt();
  const seeded = { inputs, parameters: { do_sample: true, temperature: 3, seed: 5 } };
  const computed = await send(seeded);
  expect(await send(seeded)).toMatchObject({ body: computed.body });
  expect(statusOf(await send(seeded))).toMatch(/hit/);
  const drawn = { inputs, parameters: { do_sample: true, temperature: 3 } };
  const all = [await send(drawn), await send(drawn), await send(drawn)];
  expect(all.map(statusOf)).toEqual(new Array(3).fill("onnxflare; fwd=bypass; detail=drawn"));
  expect(new Set(all.map(({ body }) => JSON.stringify(body))).size).toBeGreaterThan(1);
  const cached = await send(drawn, { "cache-control": "only-if-cached" });
  expect(cached).toMatchObject({ status: 504, body: { code: "not_cached" } });
});

test("directives and entity tags hold for texts as for predictions", async () => {
  const body = { inputs: newPrompt() };
  const cached = await send(body, { "cache-control": "only-if-cached" });
  expect(cached).toMatchObject({ status: 504, body: { code: "not_cached" } });
  const computed = await send(body);
  const etag = computed.headers.get("etag") ?? "";
  expect(await send(body, { "if-none-match": etag })).toMatchObject({ status: 304 });
  expect(statusOf(await send(body, { "cache-control": "no-cache" }))).toMatch(/detail=no-cache$/);
  expect(await send(body, { "cache-control": "only-if-cached" })).toMatchObject({ status: 200 });
});

test("clients without the admin key do not learn what others have asked", async () => {
  const body = { inputs: newPrompt() };
  const responses = [await service.post(PATH, body), await service.post(PATH, body)];
  for (const { headers } of responses) {
    expect(headers.get("cache-status")).toBe("onnxflare; detail=hidden");
    expect(headers.get("age")).toBeNull();
  }
  const headers = { "cache-control": "only-if-cached" };
  expect(await service.post(PATH, body, headers)).toMatchObject({ status: 504 });
});

test("a text is generated anew after a purge", async () => {
  const body = { inputs: newPrompt() };
  const computed = await send(body);
  const purge = { method: "POST", body: JSON.stringify({ model: MODEL }) };
  expect(await service.administer("/cache/purge", purge)).toMatchObject({ status: 200 });
  const again = await send(body);
  expect(statusOf(again)).toMatch(/fwd=miss/);
  expect(again.body).toEqual(computed.body);
});

test("a text whose client leaves in the middle is not stored", async () => {
  const body = { inputs: newPrompt(), parameters: { max_new_tokens: 600, min_new_tokens: 600 } };
  const leaving = new AbortController();
  const response = await fetch(`${service.origin}/models/pocket-gpt`, {
    method: "POST",
    headers: { "content-type": "application/json", ...ADMIN },
    body: JSON.stringify({ ...body, stream: true }),
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  leaving.abort();
  const event = await service.event(response.headers.get("x-request-id") ?? "");
  expect(event).toMatchObject({ errorCode: "client_closed_request", cache: { stored: false } });
  expect(event.generation?.["gen_ai.usage.output_tokens"]).toBeLessThan(600);
  const headers = { ...ADMIN, "cache-control": "only-if-cached" };
  expect(await service.post("/models/pocket-gpt", body, headers)).toMatchObject({ status: 504 });
});

describe("OpenAI's API", () => {
  const client = () =>
    new OpenAI({ baseURL: `${service.origin}/v1`, apiKey: ADMIN_KEY, maxRetries: 0 });

  test("shares texts with the task API, whole and streamed", async () => {
    const prompt = newPrompt();
    const computed = await send({ inputs: prompt, parameters: { max_new_tokens: 6 } });
    const request = { model: MODEL, prompt, max_tokens: 6 };
    const { data: whole, response } = await client().completions.create(request).withResponse();
    expect(response.headers.get("cache-status")).toMatch(/hit/);
    expect(response.headers.get("etag")).toBeNull();
    expect(computed.body).toEqual([{ generated_text: prompt + whole.choices[0]?.text }]);
    expect(whole.usage).toMatchObject({ completion_tokens: 6 });
    const streamed = await client()
      .completions.create({ ...request, stream: true })
      .withResponse();
    expect(streamed.response.headers.get("cache-status")).toMatch(/hit/);
    let text = "";
    for await (const { choices } of streamed.data) text += choices[0]?.text ?? "";
    expect(text).toBe(whole.choices[0]?.text);
    expect((await client().completions.create(request)).id).not.toBe(whole.id);
  });

  test("generates choices with the same answer once, and tells of all of them", async () => {
    const request = { model: MODEL, prompt: newPrompt(), max_tokens: 4, n: 3 };
    const { data, response } = await client().completions.create(request).withResponse();
    const texts = data.choices.map(({ text }) => text);
    expect(new Set(texts).size).toBe(1);
    expect(data.usage).toMatchObject({ completion_tokens: 12 });
    expect(response.headers.get("cache-status")).toMatch(/fwd=miss/);
    const again = await client().completions.create(request).withResponse();
    expect(again.response.headers.get("cache-status")).toMatch(/hit/);
  });

  test("answers a conversation from the cache", async () => {
    const request = {
      model: "pocket-gpt",
      messages: [{ role: "user" as const, content: "list all files" }],
      temperature: 0,
      max_completion_tokens: 8,
    };
    const computed = await client().chat.completions.create(request).withResponse();
    const hit = await client().chat.completions.create(request).withResponse();
    expect(hit.response.headers.get("cache-status")).toMatch(/hit/);
    expect(hit.data.choices).toEqual(computed.data.choices);
    expect(hit.data.usage).toEqual(computed.data.usage);
  });
});

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";

/** Prefixes of prompts of pocket-gpt, kept in its isolate for the client whose they are. */

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({ models: ["pocket-gpt"] });
}, 60_000);
afterAll(() => service?.dispose());

interface Completion {
  readonly choices: readonly [
    { readonly message: { readonly content: string }; readonly text: string },
  ];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

async function complete(
  path: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Completion & { readonly requestId: string }> {
  const response = await service.post(
    path,
    { model: "pocket-gpt", max_tokens: 24, ...body },
    { authorization: "Bearer a-client", ...headers },
  );
  expect(response.status).toBe(200);
  const requestId = response.headers.get("x-request-id") ?? "";
  return { ...(response.body as Completion), requestId };
}

const FIRST = [
  { role: "user", content: "How do I find all files that are larger than ten megabytes?" },
];

test("the second turn of a conversation reads only what is new, and is the same", async () => {
  const ask = (messages: readonly object[], headers = {}) =>
    complete("/v1/chat/completions", { messages }, headers);
  const first = await ask(FIRST);
  expect(first.usage.prompt_tokens_details.cached_tokens).toBe(0);
  const messages = [
    ...FIRST,
    { role: "assistant", content: first.choices[0].message.content },
    { role: "user", content: "And in this folder alone?" },
  ];
  const second = await ask(messages);
  const { prompt_tokens: promptTokens, prompt_tokens_details: details } = second.usage;
  expect(details.cached_tokens).toBeGreaterThanOrEqual(16);
  // What it does not have in common with the first prompt is read, and the answer to that.
  expect(details.cached_tokens).toBeGreaterThanOrEqual(first.usage.prompt_tokens - 4);
  expect(details.cached_tokens).toBeLessThan(promptTokens);
  const event = await service.event(second.requestId);
  expect(event.generation).toMatchObject({
    "gen_ai.usage.input_tokens": promptTokens,
    "gen_ai.usage.cache_read.input_tokens": details.cached_tokens,
  });
  const alone = await ask(messages, { "cache-control": "no-store" });
  expect(alone.usage.prompt_tokens_details.cached_tokens).toBe(0);
  expect(alone.choices).toEqual(second.choices);
  const other = await ask(messages, {
    authorization: "Bearer another-client",
    "cache-control": "no-cache",
  });
  expect(other.usage.prompt_tokens_details.cached_tokens).toBe(0);
});

test("texts after prefixes that were kept are the same, with the same probabilities", async () => {
  const { cases } = JSON.parse(
    readFileSync(projectPath("test", "fixtures", "generation", "pocket-gpt.json"), "utf8"),
  ) as { cases: { ids: number[] }[] };
  let begun: number[] = [];
  let reused = 0;
  for (const [index, { ids }] of cases.slice(0, 24).entries()) {
    // Longer and longer prompts, and others that begin as the ones before.
    const prompt = [...begun, ...ids].slice(0, 150);
    if (index % 3 > 0) begun = prompt.slice(0, prompt.length - (index % 5));
    const body = { prompt, logprobs: 3, max_tokens: 6 };
    const after = await complete("/v1/completions", body);
    const alone = await complete("/v1/completions", body, { "cache-control": "no-store" });
    expect(after.choices).toEqual(alone.choices);
    expect(alone.usage.prompt_tokens_details.cached_tokens).toBe(0);
    if (after.usage.prompt_tokens_details.cached_tokens > 0) reused += 1;
  }
  expect(reused).toBeGreaterThan(18);
});

test("memory that is kept is told, and freed with the model", async () => {
  const { isolates } = await service.runtime();
  const [isolate] = isolates;
  expect(isolate?.kept.leases).toBeGreaterThan(0);
  expect(isolate?.kept.bytes).toBeGreaterThan(0);
});

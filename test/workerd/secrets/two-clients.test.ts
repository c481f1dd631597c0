import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OpenApiDocument } from "../../../src/protocols/openapi/openapi-types.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { powers } from "../../support/awkward-models.ts";
import { cacheStatus } from "../../support/cache-status.ts";
import { poll } from "../../support/poll.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import type { TestResponse } from "../../support/service.ts";
import { routeWithShadow, shadowEventOf } from "../../support/shadows.ts";
import { store } from "../../support/stored-model.ts";

/** What two clients, each with an API key of its own, learn of each other. */

const OWN = { enabled: true, ttlSeconds: 600, scope: "key" } as const;
const ADMIN = { authorization: `Bearer ${ADMIN_KEY}` };

type Headers = Readonly<Record<string, string>>;

let service: AdministeredService;
let alice: Headers;
let bob: Headers;
/** Who may use `iris-logistic` alone. */
let carol: Headers;

beforeAll(async () => {
  service = await startAdministeredService({
    models: ["iris-logistic"],
    vars: {
      PUBLIC_PREDICT: "false",
      CACHE_TIERS: "isolate,datacenter,kv",
      CACHE_OUTER_TIERS: "always",
    },
  });
  for (const [name, source] of [
    ["own-numbers", "iris-logistic"],
    ["own-texts", "language-identification"],
    ["own-embeddings", "sentence-embeddings"],
    ["own-gpt", "pocket-gpt"],
  ] as const) {
    const model = findModel(source);
    const owned = { ...model, manifest: { ...model.manifest, cache: OWN } };
    for (const version of ["1", "2"]) await publishAs(service.bucket, owned, { name, version });
  }
  await store(service.bucket, "own-slow", powers(400), { cache: OWN });
  alice = await createKey("alice");
  bob = await createKey("bob");
  carol = await createKey("carol", ["iris-*"]);
});

afterAll(() => service?.dispose());

async function createKey(name: string, models?: readonly string[]): Promise<Headers> {
  const fields = { name, scopes: ["predict", "explain", "models:read"], ...(models && { models }) };
  const { status, body } = await service.post("/admin/keys", fields, ADMIN);
  expect(status).toBe(201);
  return { authorization: `Bearer ${(body as { key: string }).key}` };
}

const NUMBERS = [5.1, 3.5, 1.4, 0.2];
const TEXT = "A letter that was written for one person alone, and for nobody else.";

/** By every protocol, and every kind of answer that is cached. */
const REQUESTS: [name: string, path: string, body: object][] = [
  ["a prediction", "/models/own-numbers", { inputs: NUMBERS }],
  ["a prediction of a version", "/models/own-numbers/versions/1", { inputs: [[9, 8, 7, 6]] }],
  [
    "tensors",
    "/v2/models/own-numbers/infer",
    { inputs: [{ name: "features", datatype: "FP32", shape: [1, 4], data: [1, 2, 3, 4] }] },
  ],
  ["instances", "/v1/models/own-numbers:predict", { instances: [[4, 3, 2, 1]] }],
  ["a text", "/models/own-texts", { inputs: TEXT }],
  [
    "an explanation",
    "/models/own-numbers/explain",
    { inputs: NUMBERS, parameters: { method: "exact", background: [[9, 8, 7, 6]] } },
  ],
  ["embeddings", "/v1/embeddings", { model: "own-embeddings", input: TEXT }],
  [
    "a completion",
    "/v1/completions",
    { model: "own-gpt", prompt: TEXT, max_tokens: 4, temperature: 0 },
  ],
  [
    "a generated text",
    "/models/own-gpt",
    { inputs: `${TEXT} And so on`, parameters: { max_new_tokens: 4, do_sample: false } },
  ],
];

describe.each(REQUESTS)("%s", (_, path, body) => {
  test("is cached for its client in every tier, and for no other", async () => {
    const first = await service.post(path, body, alice);
    expect(first.status).toBe(200);
    expect(cacheStatus(first).hit).toBeUndefined();
    // As stored, and as a stored response where there are some.
    for (let time = 0; time < 3; time++) {
      const again = await service.post(path, body, alice);
      expect(cacheStatus(again)).toMatchObject({ hit: true });
    }
    const directives = { "cache-control": "only-if-cached" };
    const refused = await service.post(path, body, { ...bob, ...directives });
    expect(refused.status).toBe(504);
    const other = await service.post(path, body, bob);
    expect(other.status).toBe(200);
    expect(cacheStatus(other).hit).toBeUndefined();
    expect(cacheStatus(other).key).not.toBe(cacheStatus(first).key);
    for (const response of [first, refused, other]) expectPrivate(response);
  });

  test("has an entity tag of its client, if any", async () => {
    const own = await service.post(path, body, alice);
    const etag = own.headers.get("etag");
    if (etag === null) return expect(path).toMatch(/completions|own-gpt/);
    const known = await service.post(path, body, { ...alice, "if-none-match": etag });
    expect(known.status).toBe(304);
    expectPrivate(known);
    const other = await service.post(path, body, { ...bob, "if-none-match": etag });
    expect(other.status).toBe(200);
    expect(other.headers.get("etag")).not.toBe(etag);
  });
});

test("entries in KV are stored by the client's id, and by nothing that reveals a key", async () => {
  const keys = await poll("entries in KV", async () => {
    const { keys } = await service.kv.list({ prefix: "prediction/own-numbers/" });
    return keys.length >= 8 ? keys : undefined;
  });
  const listed = await service.request("/admin/keys", { headers: ADMIN });
  const ids = (listed.body as { keys: { id: string; name: string }[] }).keys
    .filter(({ name }) => name !== "carol")
    .map(({ id }) => id);
  const clients = new Set(keys.map(({ name }) => name.split("/")[3]));
  expect([...clients].sort()).toEqual(ids.sort());
});

test("identical requests in flight share a run with their own client alone", async () => {
  const body = { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [3] }] };
  const send = (headers: Headers) => service.post("/v2/models/own-slow/infer", body, headers);
  const responses = await Promise.all([alice, alice, bob, bob].map(send));
  const statuses = responses.map(cacheStatus);
  const [own, ownAgain, other, otherAgain] = statuses;
  expect(new Set([own?.key, ownAgain?.key]).size).toBe(1);
  expect(new Set([other?.key, otherAgain?.key]).size).toBe(1);
  expect(own?.key).not.toBe(other?.key);
  expect(statuses.filter(({ stored }) => stored)).toHaveLength(2);
});

test("a stream of another client is not joined", async () => {
  const body = {
    model: "own-gpt",
    prompt: "The stream of one client begins here",
    max_tokens: 12,
    temperature: 0,
    stream: true,
  };
  const send = (headers: Headers) => service.post("/v1/completions", body, headers);
  const responses = await Promise.all([alice, bob, alice].map(send));
  const events = await Promise.all(
    responses.map(({ headers }) => service.event(headers.get("x-request-id") ?? "")),
  );
  const [own, other, ownAgain] = events.map(({ cache }) => cache);
  expect(other).toMatchObject({ outcome: "miss", collapsed: false });
  expect(other?.key).not.toBe(own?.key);
  expect(ownAgain?.key).toBe(own?.key);
  // Either of the two may arrive first.
  const joined = [own, ownAgain].filter((each) => each?.collapsed || each?.outcome === "hit");
  expect(joined).toHaveLength(1);
});

test("the copy of a request to a shadow is cached for the request's client alone", async () => {
  await routeWithShadow(service.bucket, "own-texts");
  const body = { inputs: "Une lettre pour une seule personne, et pour personne d'autre." };
  const copied = await service.post("/models/own-texts", body, alice);
  const event = await shadowEventOf(service, copied.headers.get("x-request-id") ?? "");
  expect(event).toMatchObject({ outcome: "same", shadowVersion: "2" });
  const direct = (headers: Headers) =>
    service.post("/models/own-texts/versions/2", body, {
      ...headers,
      "cache-control": "only-if-cached",
    });
  expect((await direct(alice)).status).toBe(200);
  expect((await direct(bob)).status).toBe(504);
});

test("the prompt of another client is not kept for a later one", async () => {
  const prompt = `Another letter${TEXT.slice(8)} It begins with the weather, which was fine, and goes on about the sea.`;
  const cachedTokens = async (headers: Headers): Promise<number> => {
    // Drawn at random, so that it is not in the cache.
    const body = { model: "own-gpt", prompt, max_tokens: 2, temperature: 1 };
    const response = await service.post("/v1/completions", body, headers);
    expect(response.status).toBe(200);
    const { usage } = response.body as {
      usage: { prompt_tokens_details: { cached_tokens: number } };
    };
    return usage.prompt_tokens_details.cached_tokens;
  };
  expect(await cachedTokens(alice)).toBe(0);
  expect(await cachedTokens(alice)).toBeGreaterThan(10);
  expect(await cachedTokens(bob)).toBe(0);
  expect(await cachedTokens(bob)).toBeGreaterThan(10);
});

test("a key without the right to a model gets no answer of it that is cached for all", async () => {
  const body = { inputs: [[1, 2, 3, 4]] };
  for (let time = 0; time < 3; time++)
    expect((await service.post("/models/iris-logistic", body, alice)).status).toBe(200);
  const hit = await service.post("/models/iris-logistic", body, carol);
  expect(cacheStatus(hit)).toMatchObject({ hit: true });
  const { etag } = Object.fromEntries(hit.headers);
  const dave = await createKey("dave", ["wine-*"]);
  for (const headers of [
    {},
    { "if-none-match": etag ?? "" },
    { "cache-control": "only-if-cached" },
  ]) {
    const refused = await service.post("/models/iris-logistic", body, { ...dave, ...headers });
    expect(refused.status).toBe(403);
    expect(refused.headers.get("etag")).toBeNull();
    expectPrivate(refused);
  }
  const anonymous = await service.post("/models/iris-logistic", body, { "if-none-match": "*" });
  expect(anonymous.status).toBe(401);
});

test("listings have what their client may use, and say that they are for it alone", async () => {
  for (const [path, names] of [
    ["/v1/models", (body: never) => (body as { data: { id: string }[] }).data.map(({ id }) => id)],
    ["/v2/models", (body: never) => (body as { models: string[] }).models],
  ] as const) {
    const [all, some] = await Promise.all(
      [alice, carol].map((headers) => service.request(path, { headers })),
    );
    expect(names(all?.body as never).length).toBeGreaterThan(4);
    expect(new Set(names(some?.body as never))).toEqual(new Set(["iris-logistic"]));
    for (const response of [all, some]) expectPrivate(response as TestResponse);
  }
});

test("every operation for clients with a key says that its response is for its client alone", async () => {
  const { body } = await service.request("/openapi.json");
  const { paths } = body as OpenApiDocument;
  const open = new Set(["Documentation", "Server", "Dashboard"]);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => !tags.some((tag) => open.has(tag)))
      .map(([method]) => [method.toUpperCase(), path] as const),
  );
  expect(operations.length).toBeGreaterThan(50);
  for (const [method, path] of operations) {
    const url = path.replaceAll(/\{\w+\}/g, "unknown");
    for (const headers of [alice, {}]) {
      const init = { method, headers, ...(method !== "GET" && { body: "{}" }) };
      const response = await service.request(url, init);
      expect(JSON.stringify(response.body), `${method} ${path}`).not.toContain("route_not_found");
      expectPrivate(response, `${method} ${path} ${response.status}`);
    }
  }
});

/** RFC 9111, section 5.2.2.7, and the key by which a cache would find it. */
function expectPrivate({ headers }: TestResponse, name?: string): void {
  const directives = headers.get("cache-control") ?? "";
  expect(
    directives.split(", ").some((each) => ["private", "no-store"].includes(each)),
    name,
  ).toBe(true);
  expect(headers.get("vary")?.split(", "), name).toContain("authorization");
}

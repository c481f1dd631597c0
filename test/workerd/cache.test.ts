import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { CacheStatistics } from "../../src/domain/cache-statistics.ts";
import type { RequestEvent } from "../../src/domain/event.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { powers, sum } from "../support/awkward-models.ts";
import { cacheStatus } from "../support/cache-status.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import type { Answer } from "../support/service.ts";
import { shareServices } from "../support/shared-services.ts";
import { store } from "../support/stored-model.ts";
import { expectOutputs, nest, readExpected, row } from "../support/tensors.ts";

/** The cache by its HTTP API, in workerd with its simulators of KV and the Cache API. */

const TIERS = ["isolate", "datacenter", "kv"] as const;
const IRIS = "/v2/models/iris-logistic/infer";
const iris = readExpected("iris-logistic");

/** A request that no other test sends: `y = x + bias` of a unique number. */
let lastQuestion = 0;
function question(): { id?: string; inputs: object[] } {
  lastQuestion += 1;
  return { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [lastQuestion] }] };
}

const startShared = shareServices();

function start(vars: Record<string, string>, models: string[] = []): Promise<AdministeredService> {
  return startShared({ CACHE_OUTER_TIERS: "always", ...vars }, models);
}

const CACHED = { cache: { enabled: true, ttlSeconds: 600, scope: "public" } } as const;

function eventOf(asked: AdministeredService, answer: Answer): Promise<RequestEvent> {
  return asked.event(String(answer.headers.get("x-request-id")));
}

/** Waits for what is written after the answers. */
function storedKeys(asked: AdministeredService, count: number): Promise<string[]> {
  return poll(`${count} entries in KV`, async () => {
    const { keys } = await asked.kv.list({ prefix: "prediction/" });
    return keys.length >= count ? keys.map(({ name }) => name) : undefined;
  });
}

/** Asks until an outer tier has the answer: writes are made after the answer to the first request. */
function askUntilHit(ask: () => Promise<Answer>): Promise<Answer> {
  return poll("a hit", async () => {
    const answer = await ask();
    expect(answer.status).toBe(200);
    return cacheStatus(answer).hit ? answer : undefined;
  });
}

async function statistics(asked: AdministeredService): Promise<CacheStatistics> {
  return (await asked.administer("/cache")).body as CacheStatistics;
}

interface ModelStats {
  execution_count: number;
  inference_count: number;
  inference_stats: Record<string, { count: number; ns: number }>;
}

async function modelStats(asked: AdministeredService, name: string): Promise<ModelStats> {
  const { body } = await asked.request(`/v2/models/${name}/stats`);
  const [stats] = (body as { model_stats: ModelStats[] }).model_stats;
  if (!stats) throw new Error(`no statistics of ${name}`);
  return stats;
}

/** Not by `fetch`, which adds `cache-control: no-cache` to a request with `if-none-match`. */
function postPlainly(
  asked: AdministeredService,
  path: string,
  value: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
    };
    const sent = request(new URL(path, asked.origin).href, options, (response) => {
      const { statusCode = 0, headers } = response;
      const texts = Object.entries(headers).map(([name, text]) => [name, String(text)]);
      response
        .setEncoding("utf8")
        .toArray()
        .then((parts) => {
          const all = new Headers(Object.fromEntries(texts));
          resolve({ status: statusCode, headers: all, body: parts.join("") });
        }, reject);
    });
    sent.on("error", reject).end(JSON.stringify(value));
  });
}

describe("a repeated request with the same bytes", () => {
  test("a repeated request gets the stored response, without being parsed", async () => {
    const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
    const asked = await start(vars, ["iris-logistic"]);
    const told = ({ headers }: Answer) =>
      Object.fromEntries(
        [...headers].filter(([name]) => !/^(x-request-id|server-timing|date|age)$/.test(name)),
      );
    const before = await statistics(asked);
    const ofModel = await modelStats(asked, "iris-logistic");
    const { key } = cacheStatus(await asked.post(IRIS, { inputs: iris.inputs }));
    const rendered = await asked.post(IRIS, { inputs: iris.inputs });
    const repeated = await asked.post(IRIS, { inputs: iris.inputs });
    expectOutputs(repeated.body, iris);
    expect(repeated.body).toEqual(rendered.body);
    const ttl = expect.stringMatching(/^onnxflare; hit; ttl=\d+; key="[0-9a-f]+"; detail=isolate$/);
    expect(told(repeated)).toEqual({ ...told(rendered), "cache-status": ttl });
    expect(cacheStatus(repeated)).toMatchObject({ hit: true, key, detail: "isolate" });
    const [first, second] = await Promise.all([eventOf(asked, rendered), eventOf(asked, repeated)]);
    expect(Object.keys(first.phasesMs)).toContain("parse");
    expect(Object.keys(second.phasesMs)).toEqual(["body", "cache"]);
    const { bytesIn, bytesOut, status } = first;
    expect(second).toMatchObject({ bytesIn, bytesOut, status });
    expect(second.cache).toMatchObject({ outcome: "hit", tier: "isolate", key });
    expect(await statistics(asked)).toMatchObject({
      hits: before.hits + 2,
      misses: before.misses + 1,
    });
    const { inference_stats } = await modelStats(asked, "iris-logistic");
    expect(inference_stats.cache_hit?.count).toBe(
      (ofModel.inference_stats.cache_hit?.count ?? 0) + 2,
    );
  });

  test("a stored response is a 304 for a client that has it, and compressed for one that accepts it", async () => {
    const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
    const asked = await start(vars, ["iris-logistic"]);
    for (const question of [
      { inputs: [row(iris.inputs[0] as (typeof iris.inputs)[number], 0)] },
      { inputs: iris.inputs },
      { inputs: iris.inputs, parameters: { binary_data_output: true } },
    ]) {
      const ask = (headers: Record<string, string> = {}) =>
        postPlainly(asked, IRIS, question, headers);
      const computed = await ask();
      // A hit whose response is stored, in any content-encoding, and from then on a stored response.
      await ask({ "accept-encoding": "gzip" });
      for (let time = 0; time < 3; time++) {
        const known = await ask();
        expect(known.body).toBe(computed.body);
        expect(known.headers.get("content-encoding")).toBeNull();
      }
      const etag = String(computed.headers.get("etag"));
      const unchanged = await ask({ "if-none-match": etag });
      expect([unchanged.status, unchanged.body]).toEqual([304, ""]);
      for (const name of ["content-type", "content-encoding", "inference-header-content-length"])
        expect([name, unchanged.headers.get(name)]).toEqual([name, null]);
      for (const told of [computed, unchanged])
        expect([told.headers.get("etag"), told.headers.get("x-model-version")]).toEqual([
          etag,
          "1",
        ]);
      const packed = await ask({ "accept-encoding": "gzip", "if-none-match": '"another"' });
      const isLong = Number(computed.headers.get("content-length")) >= 1024;
      expect(packed.status).toBe(200);
      expect(packed.headers.get("content-encoding")).toBe(isLong ? "gzip" : null);
      expect(Object.keys((await eventOf(asked, unchanged)).phasesMs)).toEqual(["body", "cache"]);
      expect(Object.keys((await eventOf(asked, packed)).phasesMs)).toEqual(["body", "cache"]);
      expect((await ask()).body).toBe(computed.body);
    }
  });

  test("a stored response is sent with its current age", async () => {
    const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
    const asked = await start(vars, ["iris-logistic"]);
    const inputs = [row(iris.inputs[0] as (typeof iris.inputs)[number], 0)];
    const ages = new Set<number>();
    await poll("third age", async () => {
      const answer = await asked.post(IRIS, { inputs });
      const { hit, ttl } = cacheStatus(answer);
      if (!hit) return undefined;
      const age = Number(answer.headers.get("age"));
      expect([86_399, 86_400]).toContain(age + Number(ttl));
      ages.add(age);
      return ages.size === 3 || undefined;
    });
    expect([...ages]).toEqual([...ages].sort((one, other) => one - other));
  });

  test("a stored response is not used for another id or another format", async () => {
    const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
    const asked = await start(vars, ["iris-logistic"]);
    const inputs = [row(iris.inputs[0] as (typeof iris.inputs)[number], 0)];
    const parameters = { binary_data_output: true };
    for (let time = 0; time < 3; time++) {
      for (const id of ["a", "b"])
        expect((await asked.post(IRIS, { id, inputs })).body).toMatchObject({ id });
      const { headers } = await asked.post(IRIS, { inputs, parameters });
      expect(headers.get("content-type")).toBe("application/octet-stream");
      const fresh = await asked.post(IRIS, { id: "b", inputs }, { "cache-control": "no-cache" });
      expect(cacheStatus(fresh)).toMatchObject({ fwd: "request" });
    }
  });
});

describe("a repeated request of another protocol with the same bytes", () => {
  const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
  const stored = ["body", "cache"];

  async function phases(service: AdministeredService, answer: Answer): Promise<string[]> {
    return Object.keys((await eventOf(service, answer)).phasesMs);
  }

  test.each<[string, string, string, object]>([
    ["the task API", "iris-logistic", "/models/iris-logistic", { inputs: [5.1, 3.5, 1.4, 0.2] }],
    [
      "the task API by version",
      "spam-detection",
      "/models/spam-detection/versions/1",
      { inputs: "Win a prize", parameters: { top_k: 1 } },
    ],
    [
      "OpenAI's API",
      "sentence-embeddings",
      "/v1/embeddings",
      { model: "sentence-embeddings", input: "Win a prize" },
    ],
  ])("a repeated request to %s gets the stored response", async (_, model, path, value) => {
    const service = await start(vars, [model]);
    const before = await statistics(service);
    const ofModel = await modelStats(service, model);
    const computed = await service.post(path, value);
    expect(cacheStatus(computed)).toMatchObject({ fwd: "miss", stored: true });
    const hit = await service.post(path, value);
    expect(cacheStatus(hit)).toMatchObject({ hit: true, detail: "isolate" });
    expect(await phases(service, hit)).toContain("parse");
    const repeated = await service.post(path, value);
    expect(await phases(service, repeated)).toEqual(stored);
    expect([repeated.status, repeated.body]).toEqual([200, computed.body]);
    for (const name of ["etag", "content-type", "x-model-version"])
      expect(repeated.headers.get(name)).toBe(computed.headers.get(name));
    expect(cacheStatus(repeated)).toMatchObject({ hit: true, key: cacheStatus(hit).key });
    expect(await statistics(service)).toMatchObject({
      hits: before.hits + 2,
      misses: before.misses + 1,
    });
    const { inference_stats, execution_count } = await modelStats(service, model);
    expect([inference_stats.cache_hit?.count, execution_count]).toEqual([
      (ofModel.inference_stats.cache_hit?.count ?? 0) + 2,
      ofModel.execution_count + 1,
    ]);
    const fresh = await service.post(path, value, { "cache-control": "no-cache" });
    expect(cacheStatus(fresh)).toMatchObject({ fwd: "request" });
    expect(fresh.body).toEqual(computed.body);
  });

  test("a stored response of the task API is not used for another query, content-type or Hugging Face's client", async () => {
    const model = "language-identification";
    const service = await start(vars, [model]);
    const path = `/models/${model}`;
    const body = "Guten Morgen";
    const send = (query: string, headers: Record<string, string>) =>
      service.request(`${path}${query}`, {
        method: "POST",
        headers: { "content-type": "text/plain", ...headers },
        body,
      });
    const agent = { "user-agent": "unknown/None; hf_hub/2.4.0; python/3.11.7" };
    for (let time = 0; time < 3; time++) {
      const plain = await send("", {});
      const best = await send("?top_k=1", {});
      const listed = await send("?top_k=1", agent);
      expect(plain.body).not.toHaveLength(1);
      expect(best.body).toEqual((plain.body as object[]).slice(0, 1));
      expect(listed.body).toEqual([best.body]);
      // The same bytes are not JSON.
      const refused = await send("", { "content-type": "application/json" });
      expect(refused).toMatchObject({ status: 400, body: { code: "invalid_json" } });
      // Three formats of one entry replace each other's response.
      for (const answer of [plain, best, listed].slice(time === 0 ? 1 : 0))
        expect(cacheStatus(answer)).toMatchObject({ hit: true });
    }
    for (let time = 0; time < 2; time++) await send("?top_k=1", agent);
    const last = await send("?top_k=1", agent);
    expect(await phases(service, last)).toEqual(stored);
    expect(last.body).toEqual([(await send("?top_k=1", {})).body]);
  });

  test("the response to a request of several runs is not stored, and its runs are hits", async () => {
    const model = "sentence-embeddings";
    const service = await start(vars, [model]);
    // More texts than fit one run.
    const value = { model, input: Array.from({ length: 40 }, (_, index) => `text ${index}`) };
    const computed = await service.post("/v1/embeddings", value);
    for (let time = 0; time < 3; time++) {
      const hit = await service.post("/v1/embeddings", value);
      expect(cacheStatus(hit)).toMatchObject({ hit: true });
      expect(hit.body).toEqual(computed.body);
      expect(await phases(service, hit)).toContain("preprocess");
    }
  });
});

describe.each(TIERS)("with the tier %s alone", (tier) => {
  test("a repeated request is a hit, and reported in headers, event and statistics", async () => {
    const asked = await start({ CACHE_TIERS: tier }, ["iris-logistic"]);
    const ask = () => asked.post(IRIS, { inputs: iris.inputs });
    const first = await ask();
    expectOutputs(first.body, iris);
    expect(cacheStatus(first)).toEqual({
      cache: "onnxflare",
      fwd: "miss",
      ttl: 86_400,
      stored: true,
      key: expect.stringMatching(/^[0-9a-f]{12}$/),
      detail: "absent",
    });
    expect(first.headers.get("age")).toBeNull();

    const second = await askUntilHit(ask);
    expect(second.body).toEqual(first.body);
    expect(cacheStatus(second)).toEqual({
      cache: "onnxflare",
      hit: true,
      ttl: expect.any(Number),
      key: cacheStatus(first).key,
      detail: tier,
    });
    const { ttl } = cacheStatus(second);
    const age = Number(second.headers.get("age"));
    expect(Number(ttl) + age).toBeGreaterThanOrEqual(86_398);
    expect(Number(ttl) + age).toBeLessThanOrEqual(86_400);

    const { cache, phasesMs, coldStart } = await eventOf(asked, second);
    expect(cache).toEqual({
      outcome: "hit",
      tier,
      key: cacheStatus(first).key,
      stored: false,
      collapsed: false,
      bytes: expect.any(Number),
      ageSeconds: expect.any(Number),
      savedMs:
        (await eventOf(asked, first)).phasesMs.infer === undefined ? undefined : expect.any(Number),
    });
    // 16 labels of 8 bytes and 48 scores of 4; outside the isolate with their description.
    if (tier === "isolate") expect(cache?.bytes).toBe(320);
    else expect(cache?.bytes).toBeGreaterThan(320);
    expect([phasesMs.infer, coldStart]).toEqual([undefined, undefined]);
  });
});

test("a disabled cache reports a bypass, and stores nothing", async () => {
  const asked = await start({ CACHE_TIERS: "" }, ["iris-logistic"]);
  for (let i = 0; i < 2; i++) {
    const answer = await asked.post(IRIS, { inputs: iris.inputs });
    expect(cacheStatus(answer)).toEqual({ cache: "onnxflare", fwd: "bypass", detail: "disabled" });
    expect([answer.headers.get("age"), answer.headers.get("etag")]).toEqual([null, null]);
  }
  expect(await modelStats(asked, "iris-logistic")).toMatchObject({ execution_count: 2 });
  expect((await asked.kv.list()).keys).toEqual([]);
});

test("an entry in KV is used by an isolate that has not loaded the model", async () => {
  const asked = await start({ CACHE_TIERS: "isolate,kv", CACHE_OUTER_TIERS: "auto" }, [
    "iris-logistic",
  ]);
  // The model is not loaded at first, so the remote tiers are read and written.
  await asked.post(IRIS, { inputs: iris.inputs });
  const [name = ""] = await storedKeys(asked, 1);
  const { value, metadata } = await asked.kv.getWithMetadata(name, "arrayBuffer");
  expect(metadata).toBeNull();
  const other = await startAdministeredService({
    models: ["iris-logistic"],
    vars: { CACHE_TIERS: "isolate,kv" },
  });
  try {
    await other.kv.put(name, value as ArrayBuffer, { expirationTtl: 60 });
    const answer = await other.post(IRIS, { inputs: iris.inputs });
    expectOutputs(answer.body, iris);
    expect(cacheStatus(answer)).toMatchObject({ hit: true, detail: "kv" });
    const { cells, loads } = await other.runtime();
    expect([loads, cells.flatMap(({ models }) => models)]).toEqual([0, []]);
    expect(cacheStatus(await other.post(IRIS, { inputs: iris.inputs }))).toMatchObject({
      hit: true,
      detail: "isolate",
    });
  } finally {
    await other.dispose();
  }
});

describe("a cache entry", () => {
  const features = row(iris.inputs[0] as (typeof iris.inputs)[number], 0);
  const flat = { name: "features", datatype: "FP32", shape: [1, 4], data: features.data };
  const floats = Buffer.from(Float32Array.from(features.data).buffer);

  function binary(head: object, data: Buffer, more: object = {}): RequestInit {
    const json = JSON.stringify({ inputs: [head], ...more });
    return {
      method: "POST",
      body: Buffer.concat([Buffer.from(json), data]),
      headers: { "inference-header-content-length": String(Buffer.byteLength(json)) },
    };
  }

  test("a cache entry is used for the same tensors in every request format", async () => {
    const asked = await start({ CACHE_TIERS: "isolate" }, ["iris-logistic"]);
    const { data: _, ...described } = flat;
    const json = (value: unknown): RequestInit => ({ method: "POST", body: JSON.stringify(value) });
    const before = await modelStats(asked, "iris-logistic");
    const first = await asked.request(IRIS, json({ inputs: [flat] }));
    const ways: [string, string, RequestInit][] = [
      ["with an id", IRIS, json({ id: "7", inputs: [flat] })],
      ["nested", IRIS, json({ inputs: [{ ...flat, data: nest(flat.data, flat.shape) }] })],
      [
        "in another order",
        IRIS,
        json({ inputs: [Object.fromEntries(Object.entries(flat).reverse())] }),
      ],
      ["with a timeout", IRIS, json({ inputs: [flat], parameters: { timeout: 9_000_000 } })],
      [
        "with its outputs",
        IRIS,
        json({ inputs: [flat], outputs: [{ name: "label" }, { name: "probabilities" }] }),
      ],
      [
        "with its outputs turned",
        IRIS,
        json({ inputs: [flat], outputs: [{ name: "probabilities" }, { name: "label" }] }),
      ],
      ["by version", "/v2/models/iris-logistic/versions/1/infer", json({ inputs: [flat] })],
      ["as bytes", IRIS, binary({ ...described, parameters: { binary_data_size: 16 } }, floats)],
      [
        "as bytes alone",
        IRIS,
        { method: "POST", body: floats, headers: { "inference-header-content-length": "0" } },
      ],
      ["for bytes", IRIS, json({ inputs: [flat], parameters: { binary_data_output: true } })],
      [
        "for classes",
        IRIS,
        json({
          inputs: [flat],
          outputs: [
            { name: "label" },
            { name: "probabilities", parameters: { classification: 2 } },
          ],
        }),
      ],
    ];
    for (const [way, path, init] of ways) {
      const answer = await asked.request(path, init);
      expect([way, answer.status, cacheStatus(answer).hit]).toEqual([way, 200, true]);
      expect(cacheStatus(answer).key).toBe(cacheStatus(first).key);
    }
    const { cache_hit, cache_miss } = before.inference_stats;
    expect(await modelStats(asked, "iris-logistic")).toMatchObject({
      execution_count: before.execution_count + 1,
      inference_stats: {
        cache_hit: { count: (cache_hit?.count ?? 0) + ways.length },
        cache_miss: { count: (cache_miss?.count ?? 0) + 1 },
      },
    });
  });

  test("a cache entry is shared by the task API and the Open Inference Protocol", async () => {
    const asked = await start({ CACHE_TIERS: "isolate" }, ["iris-logistic"]);
    const door = await asked.post("/models/iris-logistic", { inputs: flat.data });
    expect(cacheStatus(door)).toMatchObject({ fwd: "miss" });
    const outputs = [{ name: "probabilities" }];
    const protocol = await asked.post(IRIS, { inputs: [flat], outputs });
    expect(cacheStatus(protocol)).toMatchObject({ hit: true, key: cacheStatus(door).key });
    const best = await asked.post("/models/iris-logistic", {
      inputs: [[...flat.data]],
      parameters: { top_k: 1 },
    });
    expect(cacheStatus(best)).toMatchObject({ hit: true, key: cacheStatus(door).key });
    expect(best.body).toEqual([[expect.objectContaining({ label: "virginica" })]]);
    const [, probabilities] = iris.outputs;
    expectOutputs(protocol.body, {
      ...iris,
      outputs: [row(probabilities as (typeof iris.outputs)[number], 0)],
    });
  });

  test("a cache entry is not used for another number, however close", async () => {
    const asked = await start({ CACHE_TIERS: "isolate" });
    await store(asked.bucket, "plus", sum(0), CACHED);
    const ask = (x: number) =>
      asked.post("/v2/models/plus/infer", {
        inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [x] }],
      });
    const near = Math.fround(1 + 2 ** -23);
    for (const x of [1, near]) {
      const answer = await ask(x);
      expect(cacheStatus(answer)).toMatchObject({ fwd: "miss" });
      expect(answer.body).toMatchObject({ outputs: [{ data: [x] }] });
    }
    // The same FP32 by another decimal number.
    const same = await ask(near + 1e-9);
    expect(cacheStatus(same)).toMatchObject({ hit: true });
    expect(same.body).toMatchObject({ outputs: [{ data: [near] }] });
  });
});

describe("another version", () => {
  test("a new version replaces the cached predictions at once, and its deletion restores them", async () => {
    const asked = await start({ CACHE_TIERS: TIERS.join(",") });
    const ask = async (): Promise<[unknown, unknown, unknown]> => {
      const answer = await asked.post("/v2/models/versioned/infer", {
        inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [1] }],
      });
      const { outputs } = answer.body as { outputs: { data: number[] }[] };
      const { hit = false } = cacheStatus(answer);
      return [answer.headers.get("x-model-version"), outputs[0]?.data[0], hit];
    };
    const publish = async (version: string, bias: number): Promise<void> => {
      expect((await asked.publish("versioned", sum(bias), version)).status).toBe(201);
    };
    const remove = (version: string) =>
      asked.administer(`/models/versioned/versions/${version}`, { method: "DELETE" });

    await publish("1", 10);
    expect([await ask(), await ask()]).toEqual([
      ["1", 11, false],
      ["1", 11, true],
    ]);
    await publish("2", 20);
    expect([await ask(), await ask()]).toEqual([
      ["2", 21, false],
      ["2", 21, true],
    ]);
    await remove("2");
    expect(await ask()).toEqual(["1", 11, true]);
    // The same number once more, with another file.
    await publish("2", 30);
    expect([await ask(), await ask()]).toEqual([
      ["2", 31, false],
      ["2", 31, true],
    ]);
    // A version with the file of the first uses the entries of the first.
    await publish("3", 10);
    expect(await ask()).toEqual(["3", 11, true]);
  });
});

describe("the request's directives", () => {
  test("cache-control directives of a request are applied", async () => {
    const asked = await start({ CACHE_TIERS: "isolate" });
    await store(asked.bucket, "directives", sum(1), CACHED);
    const body = question();
    const ask = (control?: string) =>
      asked.post("/v2/models/directives/infer", body, control ? { "cache-control": control } : {});

    const refused = await ask("only-if-cached");
    expect(refused).toMatchObject({
      status: 504,
      body: { code: "not_cached", error: expect.stringContaining("only-if-cached") },
    });
    expect(cacheStatus(refused)).toMatchObject({ fwd: "miss", detail: "absent" });
    expect(cacheStatus(await ask("no-store"))).toEqual({
      cache: "onnxflare",
      fwd: "bypass",
      detail: "no-store",
    });
    expect(cacheStatus(await ask())).toMatchObject({ fwd: "miss", stored: true });
    expect(cacheStatus(await ask("only-if-cached"))).toMatchObject({ hit: true });
    expect(cacheStatus(await ask("max-age=600"))).toMatchObject({ hit: true });
    expect(cacheStatus(await ask("no-cache"))).toMatchObject({
      fwd: "request",
      stored: true,
      detail: "no-cache",
    });
    expect(cacheStatus(await ask("no-store"))).toMatchObject({ fwd: "bypass" });
    expect(cacheStatus(await ask())).toMatchObject({ hit: true });
    expect(await modelStats(asked, "directives")).toMatchObject({ execution_count: 4 });
  });

  test.each([
    ["off", "/v2/models/off/infer"],
    ["also-off", "/v2/models/also-off/versions/1/infer"],
  ])("do not matter for a model that caches nothing: %s, %s", async (name, path) => {
    const asked = await start({ CACHE_TIERS: TIERS.join(",") });
    await store(asked.bucket, name, sum(1), {
      cache: { enabled: false, ttlSeconds: 600, scope: "public" },
    });
    const body = question();
    for (let i = 0; i < 2; i++)
      expect(cacheStatus(await asked.post(path, body))).toMatchObject({ detail: "disabled" });
    const refused = await asked.post(path, body, { "cache-control": "only-if-cached" });
    expect(refused.status).toBe(504);
    expect(await modelStats(asked, name)).toMatchObject({ execution_count: 2 });
    expect((await asked.kv.list({ prefix: "prediction/" })).keys).toEqual([]);
  });
});

test("the model's ttl is sent in cache-status, and is the expiration in KV", async () => {
  const asked = await start({ CACHE_TIERS: "kv" });
  await store(asked.bucket, "plus", sum(1), {
    cache: { enabled: true, ttlSeconds: 120, scope: "public" },
  });
  const before = Math.floor(Date.now() / 1000);
  const answer = await asked.post("/v2/models/plus/infer", question());
  expect(cacheStatus(answer).ttl).toBe(120);
  await storedKeys(asked, 1);
  const [{ expiration = 0 } = {}] = (await asked.kv.list({ prefix: "prediction/" })).keys;
  expect(expiration).toBeGreaterThanOrEqual(before + 120);
  expect(expiration).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000) + 120);
});

test("an entry over CACHE_MAX_ENTRY_BYTES is not stored", async () => {
  const asked = await start({ CACHE_TIERS: TIERS.join(","), CACHE_MAX_ENTRY_BYTES: "40" });
  await store(asked.bucket, "plus", sum(1), CACHED);
  const ask = (count: number) =>
    asked.post("/v2/models/plus/infer", {
      inputs: [{ name: "x", datatype: "FP32", shape: [count], data: Array(count).fill(1) }],
    });
  expect(cacheStatus(await ask(10))).toMatchObject({ stored: true });
  const large = await ask(11);
  expect(cacheStatus(large)).toEqual({
    cache: "onnxflare",
    fwd: "miss",
    key: expect.any(String),
    detail: "absent",
  });
  expect(cacheStatus(await ask(11)).hit).toBeUndefined();
  expect(await storedKeys(asked, 1)).toHaveLength(1);
});

describe("If-None-Match", () => {
  let asked: AdministeredService;

  beforeAll(async () => {
    asked = await startAdministeredService({
      models: ["iris-logistic"],
      vars: { CACHE_TIERS: "isolate" },
    });
    await publishAs(asked.bucket, findModel("iris-logistic"), { name: "twin", version: "1" });
    await publishAs(asked.bucket, findModel("iris-logistic"), { name: "twin", version: "2" });
  });
  afterAll(() => asked?.dispose());

  const inputs = [row(iris.inputs[0] as (typeof iris.inputs)[number], 3)];
  const values = inputs[0]?.data ?? [];

  test("If-None-Match with the current etag gets 304 without a body", async () => {
    const first = await asked.post(IRIS, { inputs });
    const etag = String(first.headers.get("etag"));
    expect(etag).toMatch(/^W\/"[0-9a-f]{32}-[0-9a-f]{16}"$/);
    for (const known of [etag, `"other", ${etag}`, etag.replace("W/", ""), "*"]) {
      const again = await postPlainly(asked, IRIS, { inputs }, { "if-none-match": known });
      expect([known, again.status, again.body]).toEqual([known, 304, ""]);
      expect(again.headers.get("etag")).toBe(etag);
      expect(cacheStatus(again)).toMatchObject({ hit: true });
      expect(again.headers.get("x-model-version")).toBe("1");
      for (const name of ["content-type", "content-length", "content-encoding"])
        expect([name, again.headers.get(name)]).toEqual([name, null]);
      expect(await eventOf(asked, again)).toMatchObject({ status: 304, bytesOut: 0 });
    }
    const other = await asked.post(IRIS, { inputs }, { "if-none-match": '"something else"' });
    expect([other.status, other.body]).toEqual([200, first.body]);
  });

  test("If-None-Match applies to a prediction that was computed again", async () => {
    const { headers } = await asked.post(IRIS, { inputs });
    const etag = String(headers.get("etag"));
    const fresh = await asked.post(
      IRIS,
      { inputs },
      { "if-none-match": etag, "cache-control": "no-cache" },
    );
    expect(fresh.status).toBe(304);
    expect(cacheStatus(fresh)).toMatchObject({ fwd: "request" });
  });

  test("a 304 has no headers of compression and binary data", async () => {
    const many = { inputs: iris.inputs, parameters: { binary_data_output: true } };
    const headers = { "accept-encoding": "gzip" };
    for (const body of [many, { inputs: iris.inputs }]) {
      const first = await asked.post(IRIS, body, headers);
      const etag = String(first.headers.get("etag"));
      const again = await asked.post(IRIS, body, { ...headers, "if-none-match": etag });
      expect(again.status).toBe(304);
      for (const name of ["content-encoding", "inference-header-content-length", "content-type"])
        expect([name, again.headers.get(name)]).toEqual([name, null]);
    }
  });

  test("each representation of a prediction has another etag", async () => {
    const scores = { name: "probabilities" };
    const classes = { ...scores, parameters: { classification: 2 } };
    const forms: [string, unknown][] = [
      [IRIS, { inputs }],
      [IRIS, { id: "1", inputs }],
      [IRIS, { id: "2", inputs }],
      [IRIS, { inputs, parameters: { binary_data_output: true } }],
      [IRIS, { inputs, outputs: [{ name: "label" }, scores] }],
      [IRIS, { inputs, outputs: [scores, { name: "label" }] }],
      [
        IRIS,
        { inputs, outputs: [{ name: "label" }, { ...scores, parameters: { binary_data: true } }] },
      ],
      [IRIS, { inputs, outputs: [{ name: "label" }, classes] }],
      [IRIS, { inputs, outputs: [scores] }],
      [IRIS, { inputs, outputs: [classes] }],
      ["/v2/models/twin/infer", { inputs }],
      ["/v2/models/twin/versions/1/infer", { inputs }],
      ["/models/iris-logistic", { inputs: values }],
      ["/models/iris-logistic", { inputs: [values] }],
      ["/models/iris-logistic", { inputs: values, parameters: { top_k: 1 } }],
      ["/models/iris-logistic", { inputs: values, parameters: { top_k: 2 } }],
      ["/models/twin/versions/2", { inputs: values }],
    ];
    const seen = new Map<string, string>();
    for (const [path, body] of forms) {
      const answer = await asked.post(path, body);
      const text = JSON.stringify([path, body]);
      expect([text, answer.status]).toEqual([text, 200]);
      const etag = String(answer.headers.get("etag"));
      expect([text, seen.get(etag)]).toEqual([text, undefined]);
      seen.set(etag, text);
      expect((await asked.post(path, body)).headers.get("etag")).toBe(etag);
    }
    expect(seen.size).toBe(forms.length);
  });

  test("other inputs have another etag", async () => {
    const etags = [];
    for (const index of [0, 1, 2]) {
      const tensor = row(iris.inputs[0] as (typeof iris.inputs)[number], index);
      etags.push((await asked.post(IRIS, { inputs: [tensor] })).headers.get("etag"));
    }
    expect(new Set(etags).size).toBe(3);
  });

  test("the etag changes when a version is published again with other labels", async () => {
    const model = findModel("iris-logistic");
    const renamed = { ...model, manifest: { ...model.manifest, labels: ["a", "b", "c"] } };
    const etagOf = async (): Promise<string | null> =>
      (await asked.post("/models/renamed", { inputs: values })).headers.get("etag");
    await publishAs(asked.bucket, model, { name: "renamed", version: "1" });
    const before = await etagOf();
    await asked.bucket.delete("models/renamed/1/manifest.json");
    await publishAs(asked.bucket, renamed, { name: "renamed", version: "1" });
    const after = await etagOf();
    expect(before).toMatch(/^W\//);
    expect(after).not.toBe(before);
  });

  test("an error has no etag", async () => {
    const answer = await asked.post(IRIS, { inputs: [] }, { "if-none-match": "*" });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("etag")).toBeNull();
  });
});

describe("a model with separate cache entries for each key", () => {
  const OWN = { cache: { enabled: true, ttlSeconds: 600, scope: "key" } } as const;
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

  test("entries of different keys are separate, in the isolate and in KV", async () => {
    const asked = await start({ CACHE_TIERS: TIERS.join(",") });
    await store(asked.bucket, "own", sum(1), OWN);
    const body = question();
    const ask = (headers: Record<string, string> = {}) =>
      asked.post("/v2/models/own/infer", body, headers);
    const first = await Promise.all([ask(), ask(bearer("alice")), ask(bearer("bob"))]);
    const keys = first.map((answer) => cacheStatus(answer).key);
    expect(new Set(keys).size).toBe(3);
    expect(first.map((answer) => cacheStatus(answer).hit)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    for (const [index, headers] of [{}, bearer("alice"), bearer("bob")].entries()) {
      const again = await ask(headers);
      expect(cacheStatus(again)).toMatchObject({ hit: true, key: keys[index] });
    }
    // As documented: 16 digits of the SHA-256 of the key.
    const names = await storedKeys(asked, 3);
    const clients = names.map((name) => name.split("/")[3]).sort();
    // printf alice | sha256sum
    expect(clients).toEqual(["2bd806c97f0e00af", "81b637d8fcd2c6da", "anonymous"]);
    expect(names.join()).not.toMatch(/alice|bob/);

    // A purge of one client leaves the others.
    const purge = JSON.stringify({ client: "2bd806c97f0e00af" });
    const purged = await asked.administer("/cache/purge", { method: "POST", body: purge });
    expect(purged.body).toMatchObject({ purged: { client: "2bd806c97f0e00af" }, complete: true });
    expect(cacheStatus(await ask(bearer("alice")))).toMatchObject({ fwd: "miss" });
    expect(cacheStatus(await ask(bearer("bob")))).toMatchObject({ hit: true });
    expect(cacheStatus(await ask())).toMatchObject({ hit: true });
  });

  test("a model with public scope shares entries between keys", async () => {
    const asked = await start({ CACHE_TIERS: "isolate" });
    await store(asked.bucket, "plus", sum(1), CACHED);
    const body = question();
    await asked.post("/v2/models/plus/infer", body, bearer("alice"));
    const answer = await asked.post("/v2/models/plus/infer", body, bearer("bob"));
    expect(cacheStatus(answer)).toMatchObject({ hit: true });
  });
});

test("KV holds no input, neither its bytes nor its text", async () => {
  const asked = await start({ CACHE_TIERS: "kv" }, ["iris-logistic", "language-identification"]);
  const numbers = [5.4321, 3.4567, 1.2345, 0.2468];
  const text = "Ein vertraulicher Satz, der nirgends stehen bleibt.";
  await asked.post(IRIS, {
    id: "visible-id",
    inputs: [{ name: "features", datatype: "FP32", shape: [1, 4], data: numbers }],
  });
  await asked.post("/models/language-identification", { inputs: text });
  const names = await storedKeys(asked, 2);
  const values = await Promise.all(names.map((name) => asked.kv.get(name, "arrayBuffer")));
  const all = Buffer.concat([
    ...values.map((value) => Buffer.from(value ?? new ArrayBuffer())),
    Buffer.from(names.join()),
  ]);
  expect(all.includes("probabilities")).toBe(true);
  const traces = [
    ...numbers.map((number) => Buffer.from(Float32Array.of(number).buffer)),
    ...numbers.map((number) => Buffer.from(String(number))),
    Buffer.from("visible-id"),
    Buffer.from("features"),
    Buffer.from(text),
    ...text
      .split(" ")
      .filter((word) => word.length > 4)
      .map((word) => Buffer.from(word)),
  ];
  for (const trace of traces)
    expect([trace.toString("latin1"), all.includes(trace)]).toEqual([
      trace.toString("latin1"),
      false,
    ]);
});

describe("POST /admin/cache/purge", () => {
  test.each([
    ["without a key", {}],
    ["with another key", { authorization: "Bearer guess" }],
  ])("a purge is refused %s", async (_, headers) => {
    const asked = await start({ CACHE_TIERS: "isolate" });
    await store(asked.bucket, "plus", sum(1), CACHED);
    const body = question();
    await asked.post("/v2/models/plus/infer", body);
    const refused = await asked.post("/admin/cache/purge", { all: true }, headers);
    expect(refused).toMatchObject({ status: 401, body: { code: "unauthorized" } });
    expect(cacheStatus(await asked.post("/v2/models/plus/infer", body))).toMatchObject({
      hit: true,
    });
  });

  test("a purge with an invalid scope is refused", async () => {
    const asked = await start({ CACHE_TIERS: "isolate" });
    const { keys } = await asked.kv.list();
    for (const scope of [
      {},
      { all: false },
      { all: true, model: "plus" },
      { version: "1" },
      { model: "Größe" },
      { model: "plus", version: "latest" },
      { model: ["plus"] },
      { client: "../x" },
      { model: "plus", everything: true },
      [],
      "all",
      null,
    ]) {
      const body = JSON.stringify(scope);
      const answer = await asked.administer("/cache/purge", { method: "POST", body });
      expect([body, answer.status]).toEqual([body, 400]);
    }
    const empty = await asked.administer("/cache/purge", { method: "POST" });
    expect(empty.status).toBe(400);
    const method = await asked.administer("/cache/purge");
    expect([method.status, method.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await asked.kv.list()).keys).toEqual(keys);
  });

  test.each([
    ["everything", { all: true }, {}, ["miss", "miss", "miss"]],
    ["a model", { model: "plus" }, { model: "plus" }, ["miss", "miss", "hit"]],
    [
      "a version",
      { model: "plus", version: "2" },
      { model: "plus", version: "2" },
      ["hit", "miss", "hit"],
    ],
  ])("a purge removes %s from every tier, and emits an event", async (_, scope, told, outcomes) => {
    const asked = await start({ CACHE_TIERS: TIERS.join(",") });
    await store(asked.bucket, "plus", sum(1), CACHED);
    await store(asked.bucket, "plus", sum(2), { ...CACHED, version: "2" });
    await store(asked.bucket, "minus", sum(-1), CACHED);
    const body = question();
    const paths = ["plus/versions/1", "plus/versions/2", "minus"].map(
      (path) => `/v2/models/${path}/infer`,
    );
    for (const path of paths) await asked.post(path, body);
    await storedKeys(asked, 3);
    const requestId = crypto.randomUUID();
    const erased = outcomes.filter((outcome) => outcome === "miss").length;
    const purged = await asked.administer("/cache/purge", {
      method: "POST",
      body: JSON.stringify(scope),
      headers: { "x-request-id": requestId },
    });
    expect(purged).toMatchObject({
      status: 200,
      body: { purged: told, dropped: { isolate: erased, kv: erased }, complete: true },
    });
    expect((await asked.kv.list({ prefix: "prediction/" })).keys).toHaveLength(3 - erased);
    const after = [];
    for (const path of paths)
      after.push(cacheStatus(await asked.post(path, body)).hit ? "hit" : "miss");
    expect(after).toEqual(outcomes);
    await asked.event(requestId);
    const events = asked.logs
      .filter(({ message }) => message.startsWith('{"event":"purge"'))
      .map(({ message }) => JSON.parse(message));
    expect(events.filter((event) => event.requestId === requestId)).toEqual([
      {
        event: "purge",
        schemaVersion: 2,
        time: (purged.body as { at: string }).at,
        requestId,
        ...told,
        dropped: { isolate: erased, kv: erased },
        complete: true,
      },
    ]);
  });

  test("an entry that reappears in KV after a purge is not used", async () => {
    const asked = await start({ CACHE_TIERS: "kv" });
    await store(asked.bucket, "plus", sum(1), CACHED);
    const body = question();
    const ask = () => asked.post("/v2/models/plus/infer", body);
    await ask();
    const [name = ""] = await storedKeys(asked, 1);
    const old = await asked.kv.get(name, "arrayBuffer");
    expect(cacheStatus(await ask())).toMatchObject({ hit: true, detail: "kv" });
    await asked.administer("/cache/purge", { method: "POST", body: '{"all":true}' });
    expect(await asked.kv.get(name)).toBeNull();
    // As KV may still have it elsewhere, or a delayed write may store it.
    await asked.kv.put(name, old as ArrayBuffer, { expirationTtl: 600 });
    const answer = await ask();
    expect(cacheStatus(answer)).toMatchObject({ fwd: "miss", detail: "purged" });
    expect((await eventOf(asked, answer)).cache).toMatchObject({
      outcome: "miss",
      reason: "purged",
    });
  });
});

describe("invalid values in KV", () => {
  test.each<[string, (value: Buffer, other: Buffer) => Buffer]>([
    ["garbage", () => Buffer.alloc(500, 7)],
    ["a page of HTML", () => Buffer.from("<html>")],
    ["half of the entry", (value) => value.subarray(0, value.length / 2)],
    ["an entry with a wrong bit", (value) => Buffer.from(value.with(-1, (value.at(-1) ?? 0) ^ 1))],
    ["the entry of another key", (_, other) => other],
  ])("%s counts as a miss and is reported", async (_, damage) => {
    const asked = await start({ CACHE_TIERS: "kv" });
    await store(asked.bucket, "plus", sum(1), CACHED);
    const [one, two] = [question(), question()];
    const { failures } = (await statistics(asked)).tiers.kv;
    const first = await asked.post("/v2/models/plus/infer", one);
    await asked.post("/v2/models/plus/infer", two);
    const names = await storedKeys(asked, 2);
    const key = String(cacheStatus(first).key);
    const name = names.find((each) => each.includes(key)) ?? "";
    const otherName = names.find((each) => !each.includes(key)) ?? "";
    const read = async (of: string) =>
      Buffer.from((await asked.kv.get(of, "arrayBuffer")) ?? new ArrayBuffer());
    await asked.kv.put(name, damage(await read(name), await read(otherName)), {
      expirationTtl: 600,
    });
    const answer = await asked.post("/v2/models/plus/infer", one);
    expect(answer.body).toEqual(first.body);
    expect(cacheStatus(answer)).toMatchObject({ fwd: "miss", stored: true, detail: "absent" });
    expect((await eventOf(asked, answer)).cache).toMatchObject({
      outcome: "miss",
      failures: [{ tier: "kv", problem: "not a whole entry" }],
    });
    expect(await statistics(asked)).toMatchObject({ tiers: { kv: { failures: failures + 1 } } });
  });
});

test("statistics tell hits, bytes and what was saved, by tier and by model", async () => {
  // A service of its own: the statistics count from its beginning.
  const asked = await startAdministeredService({
    vars: { CACHE_TIERS: "isolate", CACHE_OUTER_TIERS: "always" },
  });
  onTestFinished(() => asked.dispose());
  // Large enough for a clock that counts milliseconds.
  await store(asked.bucket, "heavy", powers(8), CACHED);
  const inputs = [{ name: "x", datatype: "FP32", shape: [1], data: [1] }];
  expect(await statistics(asked)).toMatchObject({ hits: 0, misses: 0, bypasses: 0, hitRatio: 0 });
  const ask = (headers: Record<string, string> = {}) =>
    asked.post("/v2/models/heavy/infer", { inputs }, headers);
  const events = [];
  for (const headers of [{}, {}, {}, {}, { "cache-control": "no-store" }])
    events.push(await eventOf(asked, await ask(headers)));
  const [miss, ...hits] = events.map(({ cache }) => cache);
  const saved = hits.slice(0, 3).reduce((total, cache) => total + (cache?.savedMs ?? 0), 0);
  expect(saved).toBeGreaterThan(0);
  expect(hits[0]?.savedMs).toBeCloseTo(events[0]?.phasesMs.infer ?? Number.NaN, 2);
  expect(await statistics(asked)).toEqual({
    hits: 3,
    misses: 1,
    bypasses: 1,
    hitRatio: 0.75,
    savedMs: expect.closeTo(saved, 6),
    tiers: {
      isolate: {
        hits: 3,
        bytes: 3 * (miss?.bytes ?? Number.NaN),
        savedMs: expect.closeTo(saved, 6),
        failures: 0,
      },
      datacenter: { hits: 0, bytes: 0, savedMs: 0, failures: 0 },
      kv: { hits: 0, bytes: 0, savedMs: 0, failures: 0 },
    },
    failedWrites: {},
    isolate: { limitBytes: 8_388_608, usedBytes: expect.any(Number), entries: 1 },
  });
  expect(await modelStats(asked, "heavy")).toMatchObject({
    execution_count: 2,
    inference_count: 2,
    inference_stats: {
      success: { count: 5 },
      cache_hit: { count: 3 },
      cache_miss: { count: 1 },
      compute_infer: { count: 2 },
    },
  });
});

import { describe, expect, test } from "vitest";
import type { AdministeredService } from "../../support/administration.ts";
import {
  eventOf,
  IRIS,
  iris,
  modelStats,
  postPlainly,
  shareCacheServices,
  statistics,
} from "../../support/cache-service.ts";
import { cacheStatus } from "../../support/cache-status.ts";
import { poll } from "../../support/poll.ts";
import type { TestResponse } from "../../support/service.ts";
import { expectOutputs, row } from "../../support/tensors.ts";

/** Serialized responses that are sent again for the same bytes. */

const start = shareCacheServices();

describe("a repeated request with the same bytes", () => {
  test("a repeated request gets the stored response, without being parsed", async () => {
    const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
    const service = await start(vars, ["iris-logistic"]);
    const stableHeaders = ({ headers }: TestResponse) =>
      Object.fromEntries(
        [...headers].filter(([name]) => !/^(x-request-id|server-timing|date|age)$/.test(name)),
      );
    const before = await statistics(service);
    const ofModel = await modelStats(service, "iris-logistic");
    const { key } = cacheStatus(await service.post(IRIS, { inputs: iris.inputs }));
    const serialized = await service.post(IRIS, { inputs: iris.inputs });
    const repeated = await service.post(IRIS, { inputs: iris.inputs });
    expectOutputs(repeated.body, iris);
    expect(repeated.body).toEqual(serialized.body);
    const ttl = expect.stringMatching(/^onnxflare; hit; ttl=\d+; key="[0-9a-f]+"; detail=isolate$/);
    expect(stableHeaders(repeated)).toEqual({ ...stableHeaders(serialized), "cache-status": ttl });
    expect(cacheStatus(repeated)).toMatchObject({ hit: true, key, detail: "isolate" });
    const [first, second] = await Promise.all([
      eventOf(service, serialized),
      eventOf(service, repeated),
    ]);
    expect(Object.keys(first.phasesMs)).toContain("parse");
    expect(Object.keys(second.phasesMs)).toEqual(["body", "cache"]);
    const { bytesIn, bytesOut, status } = first;
    expect(second).toMatchObject({ bytesIn, bytesOut, status });
    expect(second.cache).toMatchObject({ outcome: "hit", tier: "isolate", key });
    expect(await statistics(service)).toMatchObject({
      hits: before.hits + 2,
      misses: before.misses + 1,
    });
    const { inference_stats } = await modelStats(service, "iris-logistic");
    expect(inference_stats.cache_hit?.count).toBe(
      (ofModel.inference_stats.cache_hit?.count ?? 0) + 2,
    );
  });

  test("a stored response is a 304 for a client that has it, and compressed for one that accepts it", async () => {
    const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
    const service = await start(vars, ["iris-logistic"]);
    for (const value of [
      { inputs: [row(iris.inputs[0] as (typeof iris.inputs)[number], 0)] },
      { inputs: iris.inputs },
      { inputs: iris.inputs, parameters: { binary_data_output: true } },
    ]) {
      const infer = (headers: Record<string, string> = {}) =>
        postPlainly(service, IRIS, value, headers);
      const computed = await infer();
      // A hit stores its response, in any content-encoding, and later hits use it.
      await infer({ "accept-encoding": "gzip" });
      for (let time = 0; time < 3; time++) {
        const repeated = await infer();
        expect(repeated.body).toBe(computed.body);
        expect(repeated.headers.get("content-encoding")).toBeNull();
      }
      const etag = String(computed.headers.get("etag"));
      const unchanged = await infer({ "if-none-match": etag });
      expect([unchanged.status, unchanged.body]).toEqual([304, ""]);
      for (const name of ["content-type", "content-encoding", "inference-header-content-length"])
        expect([name, unchanged.headers.get(name)]).toEqual([name, null]);
      for (const response of [computed, unchanged])
        expect([response.headers.get("etag"), response.headers.get("x-model-version")]).toEqual([
          etag,
          "1",
        ]);
      const packed = await infer({ "accept-encoding": "gzip", "if-none-match": '"another"' });
      const isLong = Number(computed.headers.get("content-length")) >= 1024;
      expect(packed.status).toBe(200);
      expect(packed.headers.get("content-encoding")).toBe(isLong ? "gzip" : null);
      expect(Object.keys((await eventOf(service, unchanged)).phasesMs)).toEqual(["body", "cache"]);
      expect(Object.keys((await eventOf(service, packed)).phasesMs)).toEqual(["body", "cache"]);
      expect((await infer()).body).toBe(computed.body);
    }
  });

  test("a stored response is sent with its current age", async () => {
    const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
    const service = await start(vars, ["iris-logistic"]);
    const inputs = [row(iris.inputs[0] as (typeof iris.inputs)[number], 0)];
    const ages = new Set<number>();
    await poll("third age", async () => {
      const response = await service.post(IRIS, { inputs });
      const { hit, ttl } = cacheStatus(response);
      if (!hit) return undefined;
      const age = Number(response.headers.get("age"));
      expect([86_399, 86_400]).toContain(age + Number(ttl));
      ages.add(age);
      return ages.size === 3 || undefined;
    });
    expect([...ages]).toEqual([...ages].sort((one, other) => one - other));
  });

  test("a stored response is not used for another id or another format", async () => {
    const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
    const service = await start(vars, ["iris-logistic"]);
    const inputs = [row(iris.inputs[0] as (typeof iris.inputs)[number], 0)];
    const parameters = { binary_data_output: true };
    for (let time = 0; time < 3; time++) {
      for (const id of ["a", "b"])
        expect((await service.post(IRIS, { id, inputs })).body).toMatchObject({ id });
      const { headers } = await service.post(IRIS, { inputs, parameters });
      expect(headers.get("content-type")).toBe("application/octet-stream");
      const fresh = await service.post(IRIS, { id: "b", inputs }, { "cache-control": "no-cache" });
      expect(cacheStatus(fresh)).toMatchObject({ fwd: "request" });
    }
  });
});

describe("a repeated request of another protocol with the same bytes", () => {
  const vars = { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" };
  const stored = ["body", "cache"];

  async function phases(service: AdministeredService, response: TestResponse): Promise<string[]> {
    return Object.keys((await eventOf(service, response)).phasesMs);
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
      for (const response of [plain, best, listed].slice(time === 0 ? 1 : 0))
        expect(cacheStatus(response)).toMatchObject({ hit: true });
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

import { describe, expect, test } from "vitest";
import { sum } from "../../support/awkward-models.ts";
import {
  CACHED,
  createRequest,
  modelStats,
  shareCacheServices,
  storedKeys,
  TIERS,
} from "../../support/cache-service.ts";
import { cacheStatus } from "../../support/cache-status.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import { store } from "../../support/stored-model.ts";

/** Versions of a model, and its `cache` block. */

const start = shareCacheServices();

describe("another version", () => {
  test("a new version replaces the cached predictions at once, and its deletion restores them", async () => {
    const service = await start({ CACHE_TIERS: TIERS.join(",") });
    const infer = async (): Promise<[unknown, unknown, unknown]> => {
      const response = await service.post("/v2/models/plus/infer", {
        inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [1] }],
      });
      const { outputs } = response.body as { outputs: { data: number[] }[] };
      const { hit = false } = cacheStatus(response);
      return [response.headers.get("x-model-version"), outputs[0]?.data[0], hit];
    };
    const publish = async (version: string, bias: number, query = ""): Promise<void> => {
      const path = `/models/plus/versions/${version}${query}`;
      const init = { method: "PUT", body: buildOnnx(sum(bias)) };
      expect((await service.administer(path, init)).status).toBe(201);
    };
    const remove = (version: string) =>
      service.administer(`/models/plus/versions/${version}`, { method: "DELETE" });

    await publish("1", 10);
    expect([await infer(), await infer()]).toEqual([
      ["1", 11, false],
      ["1", 11, true],
    ]);
    await publish("2", 20);
    expect([await infer(), await infer()]).toEqual([
      ["2", 21, false],
      ["2", 21, true],
    ]);
    await remove("2");
    expect(await infer()).toEqual(["1", 11, true]);
    // The same number once more, with another file.
    await publish("2", 30, "?force=true");
    expect([await infer(), await infer()]).toEqual([
      ["2", 31, false],
      ["2", 31, true],
    ]);
    // A version with the file of the first uses the entries of the first.
    await publish("3", 10);
    expect(await infer()).toEqual(["3", 11, true]);
  });
});

test.each([
  ["off", "/v2/models/off/infer"],
  ["also-off", "/v2/models/also-off/versions/1/infer"],
])(
  "cache-control directives have no effect on a model with a disabled cache: %s, %s",
  async (name, path) => {
    const service = await start({ CACHE_TIERS: TIERS.join(",") });
    await store(service.bucket, name, sum(1), {
      cache: { enabled: false, ttlSeconds: 600, scope: "public" },
    });
    const body = createRequest();
    for (let i = 0; i < 2; i++)
      expect(cacheStatus(await service.post(path, body))).toMatchObject({ detail: "disabled" });
    const refused = await service.post(path, body, { "cache-control": "only-if-cached" });
    expect(refused.status).toBe(504);
    expect(await modelStats(service, name)).toMatchObject({ execution_count: 2 });
    expect((await service.kv.list({ prefix: "prediction/" })).keys).toEqual([]);
  },
);

describe("a model with separate cache entries for each key", () => {
  const OWN = { cache: { enabled: true, ttlSeconds: 600, scope: "key" } } as const;
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

  test("entries of different keys are separate, in the isolate and in KV", async () => {
    const service = await start({ CACHE_TIERS: TIERS.join(",") });
    await store(service.bucket, "own", sum(1), OWN);
    const body = createRequest();
    const infer = (headers: Record<string, string> = {}) =>
      service.post("/v2/models/own/infer", body, headers);
    const first = await Promise.all([infer(), infer(bearer("alice")), infer(bearer("bob"))]);
    const keys = first.map((response) => cacheStatus(response).key);
    expect(new Set(keys).size).toBe(3);
    expect(first.map((response) => cacheStatus(response).hit)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    for (const [index, headers] of [{}, bearer("alice"), bearer("bob")].entries()) {
      const again = await infer(headers);
      expect(cacheStatus(again)).toMatchObject({ hit: true, key: keys[index] });
    }
    // As documented: 16 digits of the SHA-256 of the key.
    const names = await storedKeys(service, 3);
    const clients = names.map((name) => name.split("/")[3]).sort();
    // printf alice | sha256sum
    expect(clients).toEqual(["2bd806c97f0e00af", "81b637d8fcd2c6da", "anonymous"]);
    expect(names.join()).not.toMatch(/alice|bob/);

    // A purge of one client leaves the others.
    const purge = JSON.stringify({ client: "2bd806c97f0e00af" });
    const purged = await service.administer("/cache/purge", { method: "POST", body: purge });
    expect(purged.body).toMatchObject({ purged: { client: "2bd806c97f0e00af" }, complete: true });
    expect(cacheStatus(await infer(bearer("alice")))).toMatchObject({ fwd: "miss" });
    expect(cacheStatus(await infer(bearer("bob")))).toMatchObject({ hit: true });
    expect(cacheStatus(await infer())).toMatchObject({ hit: true });
  });

  test("a model with public scope shares entries between keys", async () => {
    const service = await start({ CACHE_TIERS: "isolate" });
    await store(service.bucket, "plus", sum(1), CACHED);
    const body = createRequest();
    await service.post("/v2/models/plus/infer", body, bearer("alice"));
    const response = await service.post("/v2/models/plus/infer", body, bearer("bob"));
    expect(cacheStatus(response)).toMatchObject({ hit: true });
  });
});

import { describe, expect, test } from "vitest";
import { startAdministeredService } from "../../support/administration.ts";
import { sum } from "../../support/awkward-models.ts";
import {
  CACHED,
  createRequest,
  eventOf,
  IRIS,
  inferUntilHit,
  iris,
  modelStats,
  shareCacheServices,
  statistics,
  storedKeys,
  TIERS,
} from "../../support/cache-service.ts";
import { cacheStatus } from "../../support/cache-status.ts";
import { store } from "../../support/stored-model.ts";
import { expectOutputs } from "../../support/tensors.ts";

/** The tiers, and what they store. */

const start = shareCacheServices();

describe.each(TIERS)("with the tier %s alone", (tier) => {
  test("a repeated request is a hit, and reported in headers, event and statistics", async () => {
    const service = await start({ CACHE_TIERS: tier }, ["iris-logistic"]);
    const infer = () => service.post(IRIS, { inputs: iris.inputs });
    const first = await infer();
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

    const second = await inferUntilHit(infer);
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

    const { cache, phasesMs, coldStart } = await eventOf(service, second);
    expect(cache).toEqual({
      outcome: "hit",
      tier,
      key: cacheStatus(first).key,
      stored: false,
      collapsed: false,
      bytes: expect.any(Number),
      ageSeconds: expect.any(Number),
      savedMs:
        (await eventOf(service, first)).phasesMs.infer === undefined
          ? undefined
          : expect.any(Number),
    });
    // 16 labels of 8 bytes and 48 scores of 4; outside the isolate with their description.
    if (tier === "isolate") expect(cache?.bytes).toBe(320);
    else expect(cache?.bytes).toBeGreaterThan(320);
    expect([phasesMs.infer, coldStart]).toEqual([undefined, undefined]);
  });
});

test("KV holds no input, neither its bytes nor its text", async () => {
  const service = await start({ CACHE_TIERS: "kv" }, ["iris-logistic", "language-identification"]);
  const numbers = [5.4321, 3.4567, 1.2345, 0.2468];
  const text = "Ein vertraulicher Satz, der nirgends stehen bleibt.";
  await service.post(IRIS, {
    id: "visible-id",
    inputs: [{ name: "features", datatype: "FP32", shape: [1, 4], data: numbers }],
  });
  await service.post("/models/language-identification", { inputs: text });
  const names = await storedKeys(service, 2);
  const values = await Promise.all(names.map((name) => service.kv.get(name, "arrayBuffer")));
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

describe("invalid values in KV", () => {
  test.each<[string, (value: Buffer, other: Buffer) => Buffer]>([
    ["garbage", () => Buffer.alloc(500, 7)],
    ["a page of HTML", () => Buffer.from("<html>")],
    ["half of the entry", (value) => value.subarray(0, value.length / 2)],
    ["an entry with a wrong bit", (value) => Buffer.from(value.with(-1, (value.at(-1) ?? 0) ^ 1))],
    ["the entry of another key", (_, other) => other],
  ])("%s counts as a miss and is reported", async (_, damage) => {
    const service = await start({ CACHE_TIERS: "kv" });
    await store(service.bucket, "plus", sum(1), CACHED);
    const [one, two] = [createRequest(), createRequest()];
    const { failures } = (await statistics(service)).tiers.kv;
    const first = await service.post("/v2/models/plus/infer", one);
    await service.post("/v2/models/plus/infer", two);
    const names = await storedKeys(service, 2);
    const key = String(cacheStatus(first).key);
    const name = names.find((each) => each.includes(key)) ?? "";
    const otherName = names.find((each) => !each.includes(key)) ?? "";
    const read = async (of: string) =>
      Buffer.from((await service.kv.get(of, "arrayBuffer")) ?? new ArrayBuffer());
    await service.kv.put(name, damage(await read(name), await read(otherName)), {
      expirationTtl: 600,
    });
    const response = await service.post("/v2/models/plus/infer", one);
    expect(response.body).toEqual(first.body);
    expect(cacheStatus(response)).toMatchObject({ fwd: "miss", stored: true, detail: "absent" });
    expect((await eventOf(service, response)).cache).toMatchObject({
      outcome: "miss",
      failures: [{ tier: "kv", problem: "not a whole entry" }],
    });
    expect(await statistics(service)).toMatchObject({ tiers: { kv: { failures: failures + 1 } } });
  });
});

test("an entry that reappears in KV after a purge is not used", async () => {
  const service = await start({ CACHE_TIERS: "kv" });
  await store(service.bucket, "plus", sum(1), CACHED);
  const body = createRequest();
  const infer = () => service.post("/v2/models/plus/infer", body);
  await infer();
  const [name = ""] = await storedKeys(service, 1);
  const old = await service.kv.get(name, "arrayBuffer");
  expect(cacheStatus(await infer())).toMatchObject({ hit: true, detail: "kv" });
  await service.administer("/cache/purge", { method: "POST", body: '{"all":true}' });
  expect(await service.kv.get(name)).toBeNull();
  // As KV may still have it elsewhere, or a delayed write may store it.
  await service.kv.put(name, old as ArrayBuffer, { expirationTtl: 600 });
  const response = await infer();
  expect(cacheStatus(response)).toMatchObject({ fwd: "miss", detail: "purged" });
  expect((await eventOf(service, response)).cache).toMatchObject({
    outcome: "miss",
    reason: "purged",
  });
});

test("the model's ttl is sent in cache-status, and is the expiration in KV", async () => {
  const service = await start({ CACHE_TIERS: "kv" });
  await store(service.bucket, "plus", sum(1), {
    cache: { enabled: true, ttlSeconds: 120, scope: "public" },
  });
  const before = Math.floor(Date.now() / 1000);
  const response = await service.post("/v2/models/plus/infer", createRequest());
  expect(cacheStatus(response).ttl).toBe(120);
  await storedKeys(service, 1);
  const [{ expiration = 0 } = {}] = (await service.kv.list({ prefix: "prediction/" })).keys;
  expect(expiration).toBeGreaterThanOrEqual(before + 120);
  expect(expiration).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000) + 120);
});

test("an entry over CACHE_MAX_ENTRY_BYTES is not stored", async () => {
  const service = await start({ CACHE_TIERS: TIERS.join(","), CACHE_MAX_ENTRY_BYTES: "40" });
  await store(service.bucket, "plus", sum(1), CACHED);
  const infer = (count: number) =>
    service.post("/v2/models/plus/infer", {
      inputs: [{ name: "x", datatype: "FP32", shape: [count], data: Array(count).fill(1) }],
    });
  expect(cacheStatus(await infer(10))).toMatchObject({ stored: true });
  const large = await infer(11);
  expect(cacheStatus(large)).toEqual({
    cache: "onnxflare",
    fwd: "miss",
    key: expect.any(String),
    detail: "absent",
  });
  expect(cacheStatus(await infer(11)).hit).toBeUndefined();
  expect(await storedKeys(service, 1)).toHaveLength(1);
});

test("a disabled cache reports a bypass, and stores nothing", async () => {
  const service = await start({ CACHE_TIERS: "" }, ["iris-logistic"]);
  for (let i = 0; i < 2; i++) {
    const response = await service.post(IRIS, { inputs: iris.inputs });
    expect(cacheStatus(response)).toEqual({
      cache: "onnxflare",
      fwd: "bypass",
      detail: "disabled",
    });
    expect([response.headers.get("age"), response.headers.get("etag")]).toEqual([null, null]);
  }
  expect(await modelStats(service, "iris-logistic")).toMatchObject({ execution_count: 2 });
  expect((await service.kv.list()).keys).toEqual([]);
});

test("an entry in KV is used by an isolate that has not loaded the model", async () => {
  const service = await start({ CACHE_TIERS: "isolate,kv", CACHE_OUTER_TIERS: "auto" }, [
    "iris-logistic",
  ]);
  // The model is not loaded at first, so the remote tiers are read and written.
  await service.post(IRIS, { inputs: iris.inputs });
  const [name = ""] = await storedKeys(service, 1);
  const { value, metadata } = await service.kv.getWithMetadata(name, "arrayBuffer");
  // By which the entry can be erased.
  expect(metadata).toMatchObject({ principal: "anonymous" });
  const other = await startAdministeredService({
    models: ["iris-logistic"],
    vars: { CACHE_TIERS: "isolate,kv" },
  });
  try {
    await other.kv.put(name, value as ArrayBuffer, { expirationTtl: 60, metadata });
    const response = await other.post(IRIS, { inputs: iris.inputs });
    expectOutputs(response.body, iris);
    expect(cacheStatus(response)).toMatchObject({ hit: true, detail: "kv" });
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

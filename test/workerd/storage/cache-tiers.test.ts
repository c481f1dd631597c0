import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import {
  type KeyValueStore,
  type LocalWorker,
  startLocalWorker,
} from "../../../scripts/local-worker.ts";
import type { CacheAddress } from "../../../src/domain/cache.ts";
import { createDatacenterCacheTier } from "../../../src/storage/datacenter-cache-tier.ts";
import { createKvCacheTier, createKvPurgeLog } from "../../../src/storage/kv-cache-tier.ts";
import { createKvEntryInventory } from "../../../src/storage/kv-entry-inventory.ts";
import { testCacheTier } from "../../contracts/cache-tier.ts";
import { testEntryInventory } from "../../contracts/entry-inventory.ts";
import { type PurgeLogUnderTest, testPurgeLog } from "../../contracts/purge-log.ts";
import { rejectedApiError } from "../../support/errors.ts";

/** KV and the Cache API as workerd simulates them, called from here. */
let worker: LocalWorker;
let kv: KeyValueStore;
let caches: Awaited<ReturnType<LocalWorker["miniflare"]["getCaches"]>>;

beforeAll(async () => {
  worker = await startLocalWorker({ outdir: inject("workerBuild") });
  kv = await worker.kv("CACHE");
  caches = await worker.miniflare.getCaches();
});

afterAll(() => worker?.dispose());

beforeEach(async () => {
  const { keys } = await kv.list();
  for (const { name } of keys) await kv.delete(name);
});

/** @param overrides methods of the namespace that behave otherwise */
function namespace(overrides: object = {}): KVNamespace {
  const changed = new Proxy(kv, {
    get: (target, name) => Reflect.get(name in overrides ? overrides : target, name),
  });
  // The same object, typed by Miniflare with the streams of Node.
  return changed as unknown as KVNamespace;
}

function address(name: string, version: string, digit: string, client?: string): CacheAddress {
  return { key: digit.repeat(64), model: { name, version }, client };
}

async function keys(prefix = ""): Promise<string[]> {
  return (await kv.list({ prefix })).keys.map(({ name }) => name);
}

describe("a tier in KV", () => {
  testCacheTier(async () => createKvCacheTier(namespace()));

  test("KV entries of one key are separate for each model, version and client", async () => {
    const tier = createKvCacheTier(namespace());
    const all = [
      address("iris", "1", "a"),
      address("iris", "2", "a"),
      address("iris-2", "1", "a"),
      address("iris", "1", "a", "anonymous"),
      address("iris", "1", "a", "0123456789abcdef"),
    ];
    for (const [index, each] of all.entries()) await tier.put(each, Uint8Array.of(index), 60);
    const stored = await Promise.all(all.map((each) => tier.get(each)));
    expect(stored.map((value) => value?.[0])).toEqual([0, 1, 2, 3, 4]);
  });

  test("KV entries have the documented keys and the requested ttl", async () => {
    const tier = createKvCacheTier(namespace());
    const now = Math.floor(Date.now() / 1000);
    await tier.put(address("iris", "1", "a"), Uint8Array.of(1), 3600);
    await tier.put(address("iris", "1", "b", "0123456789abcdef"), Uint8Array.of(1), 7);
    const listed = (await kv.list()).keys;
    expect(listed.map(({ name }) => name)).toEqual([
      `prediction/iris/1/-/${"a".repeat(64)}`,
      `prediction/iris/1/0123456789abcdef/${"b".repeat(64)}`,
    ]);
    const lives = listed.map(({ expiration = 0 }) => expiration - now);
    // The shortest expiration that KV accepts is a minute.
    expect(lives[0]).toBeGreaterThanOrEqual(3600);
    expect(lives[1]).toBeGreaterThanOrEqual(60);
    expect(lives[1]).toBeLessThan(3600);
  });
});

describe("a tier in the Cache API", () => {
  testCacheTier(async () => {
    const tier = createDatacenterCacheTier(caches.default as unknown as Cache);
    for (const digit of ["a", "b"]) await tier.delete(address("iris", "1", digit));
    return tier;
  });

  test("the Cache API gets the ttl of an entry as max-age", async () => {
    const tier = createDatacenterCacheTier(caches.default as unknown as Cache);
    await tier.put(address("iris", "1", "c"), Uint8Array.of(1), 3600);
    const response = await caches.default.match(
      `https://predictions.onnxflare.invalid/${"c".repeat(64)}`,
    );
    expect(response?.headers.get("cache-control")).toBe("public, max-age=3600");
    expect(response?.headers.get("content-type")).toBe("application/octet-stream");
    await response?.arrayBuffer();
  });
});

describe("the log of purges in KV", () => {
  const create = (overrides: object = {}): Promise<PurgeLogUnderTest> => {
    const tier = createKvCacheTier(namespace());
    return Promise.resolve({
      log: createKvPurgeLog(namespace(overrides)),
      put: (entry) => tier.put(entry, Uint8Array.of(1), 60),
      keys: async () => (await keys("prediction/")).map((name) => name.split("/")[4] ?? ""),
      dispose: async () => undefined,
    });
  };

  testPurgeLog(create);

  describe("that lists in several calls", () => {
    testPurgeLog(() => create({ list: (options: object) => kv.list({ ...options, limit: 2 }) }));
  });
});

describe("the entries in KV", () => {
  const create = async (overrides: object = {}) => {
    const tier = createKvCacheTier(namespace());
    return {
      inventory: createKvEntryInventory(namespace(overrides)),
      put: (entry: CacheAddress, value: Uint8Array) => tier.put(entry, value, 3600),
    };
  };

  testEntryInventory(create);

  describe("that are listed in several calls", () => {
    testEntryInventory(() =>
      create({ list: (options: object) => kv.list({ ...options, limit: 3 }) }),
    );
  });

  test("say when they expire", async () => {
    const { inventory, put } = await create();
    const before = Date.now();
    await put(address("iris", "1", "a"), Uint8Array.of(1));
    const { expiresAt = 0 } = await inventory.find({}, { limit: 10 });
    expect(expiresAt).toBeGreaterThan(before + 3_590_000);
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 3_601_000);
  });
});

describe("the log of purges in KV that fails in part", () => {
  const stored = [
    address("iris", "1", "a"),
    address("iris", "2", "b"),
    address("iris", "2", "c", "0123456789abcdef"),
    address("iris-2", "1", "d"),
    address("digits", "1", "e", "0123456789abcdef"),
    address("digits", "1", "f", "fedcba9876543210"),
  ];

  beforeEach(async () => {
    const tier = createKvCacheTier(namespace());
    for (const each of stored) await tier.put(each, Uint8Array.of(1), 60);
  });

  test("a purge that removed only a part reports complete: false, and does not fail", async () => {
    let calls = 0;
    const remove = (name: string): Promise<void> =>
      ++calls > 3 ? Promise.reject(new Error("Too many API requests")) : kv.delete(name);
    const log = createKvPurgeLog(namespace({ delete: remove }));
    const { removed, complete } = await log.purge({}, 5);
    expect(complete).toBe(false);
    expect(removed).toHaveLength(3);
    // Isolates that read the purge log do not use the remaining entries.
    expect(await log.list()).toEqual([{ at: 5 }]);
    expect(await keys("prediction/")).toHaveLength(3);
  });

  test("a purge that cannot be stored fails", async () => {
    const cause = new Error("KV PUT failed: 429 Too Many Requests");
    const log = createKvPurgeLog(namespace({ put: () => Promise.reject(cause) }));
    const error = await rejectedApiError("storage_failed", log.purge({}, 5));
    expect(error.cause).toBe(cause);
    expect(error.message).not.toContain("429");
    expect(await keys("prediction/")).toHaveLength(stored.length);
  });
});

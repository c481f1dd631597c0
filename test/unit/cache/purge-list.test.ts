import { describe, expect, test, vi } from "vitest";
import { encodeEntry } from "../../../src/cache/entry.ts";
import type { PurgeLog } from "../../../src/domain/cache.ts";
import { createMemoryPurgeLog } from "../../../src/storage/memory-purge-log.ts";
import { createHarness, createMemoryTier, type Harness } from "../../support/cache-harness.ts";

/** The purges of other isolates, tested by the entries that an isolate uses. */

const SECOND_MS = 1000;

/** Two isolates that share a clock, a log and a tier. */
function createIsolates(log: PurgeLog = createMemoryPurgeLog()) {
  const clock = { ms: 0 };
  const kv = createMemoryTier("kv");
  const create = (): Harness => createHarness({ tiers: [kv], log, clock });
  return { clock, kv, log, one: create(), two: create() };
}

describe("a purge by another isolate", () => {
  test("a purge by another isolate is applied within half a minute", async () => {
    const { clock, one, two } = createIsolates();
    await one.request();
    await two.request();
    clock.ms += SECOND_MS;
    await one.store.purge({ model: "echo" });
    clock.ms += 30 * SECOND_MS;
    expect((await two.request()).report).toMatchObject({ outcome: "miss", reason: "purged" });
  });

  test("a purge by another isolate is applied at once by an isolate that has just started", async () => {
    const { clock, kv, log, one } = createIsolates();
    await one.request();
    await one.settle();
    clock.ms += SECOND_MS;
    await one.store.purge({});
    const { report } = await createHarness({ tiers: [kv], log, clock }).request();
    expect(report).toMatchObject({ outcome: "miss", reason: "purged" });
  });

  test("a purge by another isolate is applied after any time without requests", async () => {
    const { clock, one, two } = createIsolates();
    await two.request();
    clock.ms += SECOND_MS;
    await one.store.purge({});
    clock.ms += 600 * SECOND_MS;
    expect((await two.request()).report).toMatchObject({ outcome: "miss", reason: "purged" });
  });

  test("a purge is applied by its own isolate before the log lists it", async () => {
    const slow: PurgeLog = {
      list: async () => [],
      record: async () => undefined,
      purge: async () => ({ removed: [], complete: true }),
    };
    const { clock, one } = createIsolates(slow);
    await one.request();
    await one.settle();
    clock.ms += SECOND_MS;
    await one.store.purge({});
    for (let minute = 0; minute < 3; minute++) {
      clock.ms += 60 * SECOND_MS;
      await expect(one.request({ control: "only-if-cached" })).rejects.toThrow(/purged/);
    }
  });
});

describe("the purge log", () => {
  test("the purge log is read once for many requests, and again when it is stale", async () => {
    const log = createMemoryPurgeLog();
    const list = vi.spyOn(log, "list");
    const { clock, one } = createIsolates(log);
    await Promise.all(["a", "b", "c"].map((input) => one.request({ input })));
    expect(list).toHaveBeenCalledTimes(1);
    clock.ms += 19 * SECOND_MS;
    await one.request();
    expect(list).toHaveBeenCalledTimes(1);
    clock.ms += 2 * SECOND_MS;
    await Promise.all(["a", "b", "c"].map((input) => one.request({ input })));
    await one.settle();
    expect(list).toHaveBeenCalledTimes(2);
  });

  test("in steady traffic the purge log is read again without delaying hits", async () => {
    const held = Promise.withResolvers<[]>();
    let reads = 0;
    const log: PurgeLog = {
      ...createMemoryPurgeLog(),
      list: () => (++reads === 1 ? Promise.resolve([]) : held.promise),
    };
    const { clock, one } = createIsolates(log);
    await one.request();
    clock.ms += 25 * SECOND_MS;
    expect((await one.request()).report).toMatchObject({ outcome: "hit", failures: [] });
    expect(reads).toBe(2);
    held.resolve([]);
    await one.settle();
  });
});

const never = (): Promise<never> => new Promise(() => {});

describe.each<[string, PurgeLog["list"]]>([
  ["fails", () => Promise.reject(new Error("KV LIST failed: 500"))],
  [
    "throws",
    () => {
      throw new Error("KV LIST failed: 500");
    },
  ],
  ["hangs", never],
])("a purge log that %s", (_, list) => {
  test("is reported, and the remote tiers are not used", async () => {
    const { clock, kv, one } = createIsolates();
    await one.request();
    await one.settle();
    const log = { ...createMemoryPurgeLog(), list };
    const two = createHarness({ tiers: [kv], log, clock });
    const { texts, report } = await two.request();
    expect(texts).toEqual({ first: "a hello", second: "HELLO" });
    expect(report).toMatchObject({ outcome: "miss", stored: true });
    expect(report.failures).toEqual([
      { tier: "kv", problem: expect.stringMatching(/^the list of purges: /) },
      { tier: "kv", problem: "not used: what has been purged is not known" },
    ]);
  });

  test("does not keep entries of this isolate from being used, and does not delay every request", async () => {
    let reads = 0;
    const log: PurgeLog = {
      ...createMemoryPurgeLog(),
      list: () => {
        reads++;
        return list();
      },
    };
    const { clock, one } = createIsolates(log);
    await one.request();
    for (let second = 1; second < 10; second++) {
      clock.ms = second * SECOND_MS;
      expect((await one.request()).report).toMatchObject({ outcome: "hit", failures: [] });
    }
    expect(reads).toBe(1);
    clock.ms = 11 * SECOND_MS;
    const { report } = await one.request();
    expect(report).toMatchObject({ outcome: "hit", failures: [{ tier: "kv" }] });
    expect(reads).toBe(2);
  });

  test("is used again when it recovers", async () => {
    const inner = createMemoryPurgeLog();
    let isDown = true;
    const log: PurgeLog = { ...inner, list: () => (isDown ? list() : inner.list()) };
    const { clock, kv, one } = createIsolates(inner);
    await one.request();
    await one.settle();
    const two = createHarness({ tiers: [kv], log, clock, localBytes: 0 });
    expect((await two.request()).report.outcome).toBe("miss");
    isDown = false;
    clock.ms += 11 * SECOND_MS;
    expect((await two.request()).report).toMatchObject({
      outcome: "hit",
      tier: "kv",
      failures: [],
    });
  });
});

test("a purge stays in effect when a later list lacks it, as a stale one of KV may", async () => {
  const inner = createMemoryPurgeLog();
  let isStale = false;
  const log: PurgeLog = { ...inner, list: async () => (isStale ? [] : inner.list()) };
  const { clock, kv, one } = createIsolates(log);
  await one.request();
  await one.settle();
  clock.ms = 1 * SECOND_MS;
  await inner.purge({}, clock.ms);
  const two = createHarness({ tiers: [kv], log, clock, localBytes: 0 });
  expect((await two.request({ control: "max-age=1000" })).report.outcome).toBe("miss");
  isStale = true;
  clock.ms = 40 * SECOND_MS;
  kv.values.clear();
  const three = createHarness({ tiers: [kv], log: undefined, clock: { ms: 0 } });
  await three.request();
  await three.settle();
  expect((await two.request()).report).toMatchObject({ outcome: "miss", reason: "purged" });
});

test("a read of the purge log that ends after a later one has no effect", async () => {
  const first = Promise.withResolvers<[]>();
  const inner = createMemoryPurgeLog();
  let reads = 0;
  const log: PurgeLog = { ...inner, list: () => (++reads === 1 ? first.promise : inner.list()) };
  const { clock, kv, one } = createIsolates(log);
  const { key = "" } = (await one.request()).report;
  clock.ms = 5 * SECOND_MS;
  await inner.purge({}, clock.ms);
  clock.ms = 11 * SECOND_MS;
  await expect(one.request({ control: "only-if-cached" })).rejects.toThrow(/purged/);
  first.resolve([]);
  await one.settle();
  // An entry from before the purge, as another isolate may still write it.
  const data = ["old"];
  const output = { datatype: "BYTES", shape: [1], data } as const;
  const outputs = [
    { name: "first", ...output },
    { name: "second", ...output },
  ];
  const model = { name: "echo", version: "1" };
  const client = undefined;
  kv.values.set(key, await encodeEntry({ key, model, client, createdAt: 1, runMs: 1, outputs }));
  await expect(one.request({ control: "only-if-cached" })).rejects.toThrow(/purged/);
});

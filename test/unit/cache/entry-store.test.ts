import { describe, expect, test } from "vitest";
import { decodeEntry, encodeEntry } from "../../../src/cache/entry.ts";
import type { CacheTier, PurgeLog } from "../../../src/domain/cache.ts";
import { createMemoryPurgeLog } from "../../../src/storage/memory-purge-log.ts";
import {
  createHarness,
  createManifest,
  createMemoryTier,
  type Harness,
  type MemoryTier,
} from "../../support/cache-harness.ts";

/** The entry store behind the cached `infer`, with remote tiers whose behaviour a test sets. */

function createTiers(): { datacenter: MemoryTier; kv: MemoryTier; tiers: MemoryTier[] } {
  const datacenter = createMemoryTier("datacenter");
  const kv = createMemoryTier("kv");
  return { datacenter, kv, tiers: [datacenter, kv] };
}

/** Another isolate has stored the entry in every tier. */
async function fill(tiers: readonly CacheTier[], clock: { ms: number }): Promise<void> {
  const harness = createHarness({ tiers, clock: { ...clock } });
  await harness.request();
  await harness.settle();
}

const HOUR_MS = 3_600_000;
const EXPECTED = { first: "a hello", second: "HELLO" };

describe("a lookup", () => {
  test("a lookup reads the tiers in their order, and copies a hit to the earlier ones", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const clock = { ms: 0 };
    await fill([kv], clock);
    clock.ms += 60_500;

    const first = createHarness({ tiers, clock });
    const fromKv = await first.request();
    expect(fromKv.texts).toEqual(EXPECTED);
    expect(fromKv.report).toMatchObject({
      outcome: "hit",
      tier: "kv",
      ageSeconds: 60.5,
      savedMs: 5,
    });
    await first.settle();
    expect([datacenter.calls, kv.calls]).toEqual([
      ["get", "put"],
      ["get", "put", "get"],
    ]);
    // The rest of the hour, not another hour.
    expect(datacenter.ttls).toEqual([3539]);

    expect((await first.request()).report).toMatchObject({ outcome: "hit", tier: "isolate" });
    const second = createHarness({ tiers, clock });
    expect((await second.request()).report).toMatchObject({ outcome: "hit", tier: "datacenter" });
    expect((await second.request()).texts).toEqual(EXPECTED);
    expect([first.runs, second.runs]).toEqual([[], []]);
    expect(kv.calls).toHaveLength(3);
  });

  test("a lookup reads only the local tier if remote tiers would be slower", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const harness = createHarness({ tiers, remoteTiers: "auto" });
    const result = await harness.request();
    expect(result.report).toMatchObject({ outcome: "miss", reason: "absent", stored: true });
    await harness.settle();
    expect([datacenter.calls, kv.calls]).toEqual([[], []]);
    expect((await harness.request()).report).toMatchObject({ outcome: "hit", tier: "isolate" });
  });

  test.each<[string, Partial<Harness>, object]>([
    ["a model that is not loaded", { model: "absent" }, {}],
    ["a model that is being loaded", { model: "loading" }, {}],
    [
      "a large model",
      {},
      { files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1_048_576 }] },
    ],
  ])("a lookup reads the remote tiers for %s", async (_, state, manifest) => {
    const { datacenter, kv, tiers } = createTiers();
    const harness = Object.assign(createHarness({ tiers, remoteTiers: "auto" }), state);
    await harness.request({ manifest: createManifest(manifest) });
    await harness.settle();
    expect([datacenter.calls, kv.calls]).toEqual([
      ["get", "put"],
      ["get", "put"],
    ]);
  });
});

describe("a write to a remote tier", () => {
  test("a write to a remote tier begins after the response", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const harness = createHarness({ tiers });
    await harness.request();
    expect([datacenter.calls, kv.calls]).toEqual([["get"], ["get"]]);
    await harness.settle();
    expect([datacenter.ttls, kv.ttls]).toEqual([[3600], [3600]]);
  });

  test("the value written to a remote tier is binary, and contains the outputs but no input", async () => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv] });
    const input = "patient 4711";
    const { report } = await harness.request({ input, outputs: ["second"] });
    await harness.settle();
    const [[key = "", value = new Uint8Array()] = []] = kv.values;
    expect(key).toBe(report.key);
    expect(Buffer.from(value).includes(input)).toBe(false);
    const outputs = [
      { name: "second", datatype: "BYTES", shape: [1], data: [input.toUpperCase()] },
    ];
    expect(await decodeEntry(value, key)).toMatchObject({ model: { name: "echo" }, outputs });
  });

  test("an entry larger than the limit is stored in no tier", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const harness = createHarness({ tiers, maxEntryBytes: 100 });
    // One output of two, with 4 bytes of length before its text.
    for (const [length, stored] of [
      [96, true],
      [97, false],
    ] as const) {
      const options = { input: "x".repeat(length), outputs: ["second"] };
      expect((await harness.request(options)).report).toMatchObject({ outcome: "miss", stored });
      const again = (await harness.request(options)).report;
      expect(again.outcome).toBe(stored ? "hit" : "miss");
    }
    await harness.settle();
    expect([datacenter.values.size, kv.values.size, harness.store.usage().entries]).toEqual([
      1, 1, 1,
    ]);
  });

  test("an entry too large for the local tier is written to the remote tiers", async () => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv], localBytes: 100 });
    expect((await harness.request()).report).toMatchObject({ outcome: "miss", stored: true });
    await harness.settle();
    expect((await harness.request()).report).toMatchObject({ outcome: "hit", tier: "kv" });
    expect(harness.store.usage()).toEqual({ limitBytes: 100, usedBytes: 0, entries: 0 });
  });

  test("an entry that no tier stores is not reported as stored", async () => {
    const harness = createHarness({
      tiers: [createMemoryTier("kv")],
      localBytes: 0,
      remoteTiers: "auto",
    });
    expect((await harness.request()).report).toMatchObject({ outcome: "miss", stored: false });
    expect((await harness.request()).report.outcome).toBe("miss");
  });
});

describe("a store with a single tier", () => {
  test.each(["isolate", "datacenter", "kv"] as const)(
    "an entry is stored and found in the tier %s alone",
    async (name) => {
      const tiers = name === "isolate" ? [] : [createMemoryTier(name)];
      const localBytes = name === "isolate" ? 10_000 : 0;
      const harness = createHarness({ tiers, localBytes });
      expect((await harness.request()).report).toMatchObject({ outcome: "miss", stored: true });
      await harness.settle();
      const { texts, report } = await harness.request();
      expect(report).toMatchObject({ outcome: "hit", tier: name, failures: [] });
      expect(texts).toEqual(EXPECTED);
      expect(harness.runs).toEqual(["hello"]);
    },
  );

  test("an entry is not stored without a tier", async () => {
    const harness = createHarness({ tiers: [], localBytes: 0 });
    await harness.request();
    expect((await harness.request()).report).toMatchObject({ outcome: "miss", stored: false });
    expect(harness.runs).toEqual(["hello", "hello"]);
  });
});

describe("the age of an entry", () => {
  test("an entry past its ttl is not used, in any tier", async () => {
    const { tiers } = createTiers();
    const { tiers: others } = createTiers();
    const clock = { ms: 0 };
    await fill(tiers, clock);
    await fill(others, clock);
    const harness = createHarness({ tiers, clock });
    clock.ms = HOUR_MS;
    const last = await harness.request();
    expect(last.report).toMatchObject({ outcome: "hit", ageSeconds: 3600, ttlSeconds: 0 });
    clock.ms = HOUR_MS + 1;
    const expired = await harness.request();
    expect(expired.report).toMatchObject({ outcome: "miss", reason: "expired", stored: true });
    expect(harness.runs).toEqual(["hello"]);
    const again = await createHarness({ tiers: others, clock }).request();
    expect(again.report.outcome).toBe("miss");
  });

  test("an entry past its ttl is removed from the local tier", async () => {
    const harness = createHarness();
    await harness.request();
    harness.clock.ms += HOUR_MS + 1;
    await expect(harness.request({ control: "only-if-cached" })).rejects.toThrow(/expired/);
    expect(harness.store.usage().entries).toBe(0);
  });

  test("the age of an entry counts from its run, not from its copy to a tier", async () => {
    const { kv, tiers } = createTiers();
    const clock = { ms: 0 };
    await fill([kv], clock);
    clock.ms = 1_000_000;
    const harness = createHarness({ tiers, clock });
    await harness.request();
    clock.ms = 2_000_000;
    expect((await harness.request()).report).toMatchObject({ tier: "isolate", ageSeconds: 2000 });
  });
});

/** A tier whose reads fail, and nothing else. */
function broken(get: CacheTier["get"], name: CacheTier["name"] = "kv"): CacheTier {
  return { ...createMemoryTier(name), get };
}

async function storedValue(input = "hello"): Promise<Uint8Array> {
  const kv = createMemoryTier("kv");
  const harness = createHarness({ tiers: [kv] });
  await harness.request({ input });
  await harness.settle();
  return [...kv.values.values()][0] ?? new Uint8Array();
}

const never = (): Promise<never> => new Promise(() => {});

describe("a tier whose read fails", () => {
  const FAULTS: [string, CacheTier["get"], RegExp][] = [
    ["throws", () => Promise.reject(new Error("KV GET failed: 500")), /KV GET failed: 500/],
    [
      "throws synchronously",
      () => {
        throw new TypeError("no binding");
      },
      /no binding/,
    ],
    ["rejects with nothing", () => Promise.reject(), /undefined/],
    ["hangs", never, /slower than 40 ms/],
    ["returns garbage", async () => new Uint8Array(300).fill(7), /not a whole entry/],
    ["returns no bytes", async () => new Uint8Array(), /not a whole entry/],
    [
      "returns half of an entry",
      async () => (await storedValue()).subarray(0, 150),
      /not a whole entry/,
    ],
    [
      "returns all but a byte",
      async () => (await storedValue()).subarray(0, -1),
      /not a whole entry/,
    ],
    ["returns the entry of another key", async () => storedValue("other"), /not a whole entry/],
    ["returns text", async () => new TextEncoder().encode("<html>502</html>"), /not a whole entry/],
  ];

  test.each(FAULTS)(
    "a read from a tier that %s is reported, and counts as a miss",
    async (_, get, problem) => {
      const harness = createHarness({ tiers: [broken(get)] });
      const { texts, report } = await harness.request();
      expect(texts).toEqual(EXPECTED);
      expect(report).toMatchObject({ outcome: "miss", reason: "absent", stored: true });
      expect(report.failures).toEqual([{ tier: "kv", problem: expect.stringMatching(problem) }]);
      expect(harness.runs).toEqual(["hello"]);
      await harness.settle();
      expect((await harness.request()).report).toMatchObject({ outcome: "hit", tier: "isolate" });
    },
  );

  test.each(FAULTS)("after a read from a tier that %s, the next tier is read", async (_, get) => {
    const kv = createMemoryTier("kv");
    const clock = { ms: 0 };
    await fill([kv], clock);
    const harness = createHarness({ tiers: [broken(get, "datacenter"), kv], clock });
    const { texts, report } = await harness.request();
    expect(texts).toEqual(EXPECTED);
    expect(report).toMatchObject({ outcome: "hit", tier: "kv" });
    expect(report.failures).toMatchObject([{ tier: "datacenter" }]);
  });

  test("a read that settles after its timeout is ignored", async () => {
    const late = Promise.withResolvers<undefined>();
    const harness = createHarness({ tiers: [broken(() => late.promise)] });
    const { report } = await harness.request();
    expect(report.failures).toHaveLength(1);
    late.reject(new Error("after ten seconds"));
    await expect(late.promise).rejects.toThrow();
    expect((await harness.request()).report).toMatchObject({ outcome: "hit", failures: [] });
  });
});

describe("a tier whose write fails", () => {
  test.each<[string, CacheTier["put"]]>([
    ["is over its limit", () => Promise.reject(new Error("KV PUT failed: 429 Too Many Requests"))],
    [
      "throws",
      () => {
        throw new TypeError("value too large");
      },
    ],
  ])("a write to a tier that %s is counted, and does not fail the request", async (_, put) => {
    const { datacenter, kv } = createTiers();
    const harness = createHarness({ tiers: [{ ...kv, put }, datacenter] });
    expect((await harness.request()).texts).toEqual(EXPECTED);
    await harness.settle();
    expect(harness.store.failedWrites()).toEqual({ kv: 1, datacenter: 0 });
    expect(datacenter.values.size).toBe(1);
    expect((await harness.request()).report).toMatchObject({ outcome: "hit", tier: "isolate" });
  });

  test("a write that hangs does not delay the response", async () => {
    const { kv } = createTiers();
    const harness = createHarness({ tiers: [{ ...kv, put: never }] });
    expect((await harness.request()).texts).toEqual(EXPECTED);
    expect((await harness.request()).report.outcome).toBe("hit");
  });
});

describe("a purge", () => {
  test("after a purge no entry is used from any tier, not even one that reappears after its deletion", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const clock = { ms: 1000 };
    await fill(tiers, clock);
    // This log deletes nothing.
    const log = createMemoryPurgeLog();
    const harness = createHarness({ tiers, log, clock });
    await harness.request();
    clock.ms = 2000;
    expect(await harness.store.purge({})).toEqual({
      at: "1970-01-01T00:00:02.000Z",
      dropped: { isolate: 1, kv: 0 },
      complete: true,
    });
    clock.ms = 3000;
    const { texts, report } = await harness.request();
    expect(report).toMatchObject({ outcome: "miss", reason: "purged", stored: true, failures: [] });
    expect(texts).toEqual(EXPECTED);
    expect(harness.runs).toEqual(["hello"]);
    await harness.settle();
    // The new entry has replaced the old one.
    expect((await createHarness({ tiers, log, clock }).request()).report.outcome).toBe("hit");
    expect([datacenter.values.size, kv.values.size]).toEqual([1, 1]);
  });

  test("a purge covers entries created in the same millisecond", async () => {
    const harness = createHarness({ log: createMemoryPurgeLog() });
    await harness.request();
    await harness.store.purge({});
    await harness.request();
    expect(harness.runs).toHaveLength(2);
    // Created at the time of the purge: it cannot be distinguished from an entry created before.
    expect((await harness.request()).report).toMatchObject({ outcome: "miss", reason: "purged" });
    harness.clock.ms++;
    await harness.request();
    expect((await harness.request()).report.outcome).toBe("hit");
  });

  test("a purge covers runs in progress", async () => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv], log: createMemoryPurgeLog() });
    const { infer } = harness;
    harness.infer = async (request, call) => {
      harness.clock.ms += 10;
      await harness.store.purge({ model: "echo" });
      harness.clock.ms += 10;
      return infer(request, call);
    };
    await harness.request();
    await harness.settle();
    expect(kv.values.size).toBe(0);
    harness.infer = infer;
    expect((await harness.request()).report).toMatchObject({ outcome: "miss", reason: "purged" });
  });

  test.each([
    ["a model", { model: "echo" }, ["miss", "miss", "hit", "hit"]],
    ["a version", { model: "echo", version: "2" }, ["hit", "miss", "hit", "hit"]],
    ["a client", { client: "0123456789abcdef" }, ["hit", "hit", "hit", "miss"]],
    [
      "a client's entries of a model",
      { model: "own", client: "anonymous" },
      ["hit", "hit", "miss", "hit"],
    ],
    ["everything", {}, ["miss", "miss", "miss", "miss"]],
    ["another model", { model: "ech" }, ["hit", "hit", "hit", "hit"]],
  ])("a purge of %s covers that and nothing else", async (_, scope, outcomes) => {
    const files = [{ path: "model.onnx", sha256: "b".repeat(64), sizeBytes: 1 }];
    const own = createManifest({
      name: "own",
      cache: { enabled: true, ttlSeconds: 60, scope: "key" },
    });
    const requests = [
      {},
      { manifest: createManifest({ version: "2", files }) },
      { manifest: own },
      { manifest: own, client: "0123456789abcdef" },
    ];
    const { tiers } = createTiers();
    const log = createMemoryPurgeLog();
    const harness = createHarness({ tiers, log });
    for (const options of requests) await harness.request(options);
    await harness.settle();
    harness.clock.ms++;
    await harness.store.purge(scope);
    harness.clock.ms++;
    const elsewhere = createHarness({ tiers, log, clock: harness.clock });
    for (const isolate of [harness, elsewhere]) {
      const results = [];
      for (const options of requests)
        results.push(
          await isolate.request({ ...options, control: "only-if-cached" }).catch(() => undefined),
        );
      expect(results.map((result) => result?.report.outcome ?? "miss")).toEqual(outcomes);
    }
  });

  test("a purge of a version covers an entry that another version of the same file has stored", async () => {
    const harness = createHarness({ log: createMemoryPurgeLog() });
    const second = createManifest({ version: "2" });
    await harness.request();
    expect((await harness.request({ manifest: second })).report.outcome).toBe("hit");
    harness.clock.ms++;
    await harness.store.purge({ model: "echo", version: "2" });
    const { report } = await harness.request({ manifest: second });
    expect(report).toMatchObject({ outcome: "miss", reason: "purged" });
  });

  test("a purge that cannot be stored is still applied in this isolate", async () => {
    const log: PurgeLog = {
      ...createMemoryPurgeLog(),
      purge: () => Promise.reject(new Error("429")),
    };
    const harness = createHarness({ log });
    await harness.request();
    harness.clock.ms++;
    await expect(harness.store.purge({})).rejects.toThrow("429");
    expect((await harness.request()).report.outcome).toBe("miss");
  });

  test("a purge also deletes from the data center what it deleted from KV, and succeeds if that fails", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const removed = [{ key: "k", model: { name: "echo", version: "1" }, client: undefined }];
    const log: PurgeLog = {
      list: async () => [],
      record: async () => undefined,
      purge: async () => ({ removed, complete: false }),
    };
    const harness = createHarness({ tiers, log });
    expect(await harness.store.purge({})).toMatchObject({ dropped: { kv: 1 }, complete: false });
    expect([datacenter.calls, kv.calls]).toEqual([["delete"], []]);
    datacenter.delete = () => {
      throw new Error("down");
    };
    expect(await harness.store.purge({})).toMatchObject({ dropped: { kv: 1 } });
  });
});

test("an encoded entry from before a purge that is put back by hand is not used", async () => {
  const kv = createMemoryTier("kv");
  const log = createMemoryPurgeLog();
  const harness = createHarness({ tiers: [kv], log, localBytes: 0 });
  const { report } = await harness.request();
  const key = String(report.key);
  const wrong = await encodeEntry({
    key,
    model: { name: "echo", version: "1" },
    client: undefined,
    createdAt: harness.clock.ms,
    runMs: 1,
    outputs: [
      { name: "first", datatype: "BYTES", shape: [1], data: ["old"] },
      { name: "second", datatype: "BYTES", shape: [1], data: ["old"] },
    ],
  });
  await harness.settle();
  kv.values.set(key, wrong);
  // It is a whole entry, so it is used ...
  expect((await harness.request()).texts).toEqual({ first: "old", second: "old" });
  harness.clock.ms += 5;
  await harness.store.purge({});
  kv.values.set(key, wrong);
  harness.clock.ms += 5;
  // ... until the purge.
  const after = await harness.request();
  expect(after.texts).toEqual(EXPECTED);
  expect(after.report).toMatchObject({ outcome: "miss", reason: "purged" });
});

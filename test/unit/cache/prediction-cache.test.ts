import { describe, expect, test } from "vitest";
import { decodeEntry, encodeEntry } from "../../../src/cache/entry.ts";
import type { CacheTier, PurgeLog } from "../../../src/domain/cache.ts";
import {
  createHarness,
  createManifest,
  createMemoryPurgeLog,
  createMemoryTier,
  type Harness,
  type MemoryTier,
} from "../../support/cache-harness.ts";

/** The tiers as one, by what their users see, with storage that does whatever a test wants. */

function createTiers(): { datacenter: MemoryTier; kv: MemoryTier; tiers: MemoryTier[] } {
  const datacenter = createMemoryTier("datacenter");
  const kv = createMemoryTier("kv");
  return { datacenter, kv, tiers: [datacenter, kv] };
}

/** Another isolate has asked before and its answer is in every tier. */
async function fill(tiers: readonly CacheTier[], clock: { ms: number }): Promise<void> {
  const harness = createHarness({ tiers, clock: { ...clock } });
  await harness.ask();
  await harness.settle();
}

const HOUR_MS = 3_600_000;
const EXPECTED = { first: "a hello", second: "HELLO" };

describe("reads", () => {
  test("go outward and fill the nearer tiers", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const clock = { ms: 0 };
    await fill([kv], clock);
    clock.ms += 60_500;

    const first = createHarness({ tiers, clock });
    const far = await first.ask();
    expect(far.texts).toEqual(EXPECTED);
    expect(far.report).toMatchObject({ outcome: "hit", tier: "kv", ageSeconds: 60.5, savedMs: 5 });
    await first.settle();
    expect([datacenter.calls, kv.calls]).toEqual([
      ["get", "put"],
      ["get", "put", "get"],
    ]);
    // What is left of the hour, not another hour.
    expect(datacenter.ttls).toEqual([3539]);

    expect((await first.ask()).report).toMatchObject({ outcome: "hit", tier: "isolate" });
    const second = createHarness({ tiers, clock });
    expect((await second.ask()).report).toMatchObject({ outcome: "hit", tier: "datacenter" });
    expect((await second.ask()).texts).toEqual(EXPECTED);
    expect([first.runs, second.runs]).toEqual([[], []]);
    expect(kv.calls).toHaveLength(3);
  });

  test("stay in the isolate where outer tiers would be slower", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const harness = createHarness({ tiers, outerTiers: "auto" });
    const reply = await harness.ask();
    expect(reply.report).toMatchObject({ outcome: "miss", reason: "absent", stored: true });
    await harness.settle();
    expect([datacenter.calls, kv.calls]).toEqual([[], []]);
    expect((await harness.ask()).report).toMatchObject({ outcome: "hit", tier: "isolate" });
  });

  test.each<[string, Partial<Harness>, object]>([
    ["a model that is not in memory", { model: "absent" }, {}],
    ["a model that is being loaded", { model: "loading" }, {}],
    [
      "a large model",
      {},
      { files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1_048_576 }] },
    ],
  ])("go outward for %s", async (_, state, manifest) => {
    const { datacenter, kv, tiers } = createTiers();
    const harness = Object.assign(createHarness({ tiers, outerTiers: "auto" }), state);
    await harness.ask({ manifest: createManifest(manifest) });
    await harness.settle();
    expect([datacenter.calls, kv.calls]).toEqual([
      ["get", "put"],
      ["get", "put"],
    ]);
  });
});

describe("writes", () => {
  test("begin after the answer", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const harness = createHarness({ tiers });
    await harness.ask();
    expect([datacenter.calls, kv.calls]).toEqual([["get"], ["get"]]);
    await harness.settle();
    expect([datacenter.ttls, kv.ttls]).toEqual([[3600], [3600]]);
  });

  test("are binary, and hold the outputs and no input", async () => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv] });
    const input = "patient 4711";
    const { report } = await harness.ask({ input, outputs: ["second"] });
    await harness.settle();
    const [[key = "", value = new Uint8Array()] = []] = kv.values;
    expect(key).toBe(report.key);
    expect(Buffer.from(value).includes(input)).toBe(false);
    const outputs = [
      { name: "second", datatype: "BYTES", shape: [1], data: [input.toUpperCase()] },
    ];
    expect(await decodeEntry(value, key)).toMatchObject({ model: { name: "echo" }, outputs });
  });

  test("do not happen for what is larger than the bound, nor in the isolate", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const harness = createHarness({ tiers, maxEntryBytes: 100 });
    // One output of two, with 4 bytes of length before its text.
    for (const [length, stored] of [
      [96, true],
      [97, false],
    ] as const) {
      const question = { input: "x".repeat(length), outputs: ["second"] };
      expect((await harness.ask(question)).report).toMatchObject({ outcome: "miss", stored });
      const again = (await harness.ask(question)).report;
      expect(again.outcome).toBe(stored ? "hit" : "miss");
    }
    await harness.settle();
    expect([datacenter.values.size, kv.values.size, harness.cache.usage().entries]).toEqual([
      1, 1, 1,
    ]);
  });

  test("go to outer tiers for what the isolate has no room for", async () => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv], isolateBytes: 100 });
    expect((await harness.ask()).report).toMatchObject({ outcome: "miss", stored: true });
    await harness.settle();
    expect((await harness.ask()).report).toMatchObject({ outcome: "hit", tier: "kv" });
    expect(harness.cache.usage()).toEqual({ limitBytes: 100, usedBytes: 0, entries: 0 });
  });

  test("are not told where there are none", async () => {
    const harness = createHarness({
      tiers: [createMemoryTier("kv")],
      isolateBytes: 0,
      outerTiers: "auto",
    });
    expect((await harness.ask()).report).toMatchObject({ outcome: "miss", stored: false });
    expect((await harness.ask()).report.outcome).toBe("miss");
  });
});

describe("each tier alone", () => {
  test.each(["isolate", "datacenter", "kv"] as const)("%s", async (name) => {
    const tiers = name === "isolate" ? [] : [createMemoryTier(name)];
    const isolateBytes = name === "isolate" ? 10_000 : 0;
    const harness = createHarness({ tiers, isolateBytes });
    expect((await harness.ask()).report).toMatchObject({ outcome: "miss", stored: true });
    await harness.settle();
    const { texts, report } = await harness.ask();
    expect(report).toMatchObject({ outcome: "hit", tier: name, failures: [] });
    expect(texts).toEqual(EXPECTED);
    expect(harness.runs).toEqual(["hello"]);
  });

  test("none", async () => {
    const harness = createHarness({ tiers: [], isolateBytes: 0 });
    await harness.ask();
    expect((await harness.ask()).report).toMatchObject({ outcome: "miss", stored: false });
    expect(harness.runs).toEqual(["hello", "hello"]);
  });
});

describe("age", () => {
  test("past the ttl ends an answer, wherever it is", async () => {
    const { tiers } = createTiers();
    const { tiers: others } = createTiers();
    const clock = { ms: 0 };
    await fill(tiers, clock);
    await fill(others, clock);
    const harness = createHarness({ tiers, clock });
    clock.ms = HOUR_MS;
    const last = await harness.ask();
    expect(last.report).toMatchObject({ outcome: "hit", ageSeconds: 3600, ttlSeconds: 0 });
    clock.ms = HOUR_MS + 1;
    const expired = await harness.ask();
    expect(expired.report).toMatchObject({ outcome: "miss", reason: "expired", stored: true });
    expect(harness.runs).toEqual(["hello"]);
    const anew = await createHarness({ tiers: others, clock }).ask();
    expect(anew.report.outcome).toBe("miss");
  });

  test("past the ttl, an answer is not kept in memory", async () => {
    const harness = createHarness();
    await harness.ask();
    harness.clock.ms += HOUR_MS + 1;
    await expect(harness.ask({ control: "only-if-cached" })).rejects.toThrow(/expired/);
    expect(harness.cache.usage().entries).toBe(0);
  });

  test("is that of the run, not of the copy", async () => {
    const { kv, tiers } = createTiers();
    const clock = { ms: 0 };
    await fill([kv], clock);
    clock.ms = 1_000_000;
    const harness = createHarness({ tiers, clock });
    await harness.ask();
    clock.ms = 2_000_000;
    expect((await harness.ask()).report).toMatchObject({ tier: "isolate", ageSeconds: 2000 });
  });
});

/** A tier of which only reading is broken. */
function broken(get: CacheTier["get"], name: CacheTier["name"] = "kv"): CacheTier {
  return { ...createMemoryTier(name), get };
}

async function storedValue(input = "hello"): Promise<Uint8Array> {
  const kv = createMemoryTier("kv");
  const harness = createHarness({ tiers: [kv] });
  await harness.ask({ input });
  await harness.settle();
  return [...kv.values.values()][0] ?? new Uint8Array();
}

const never = (): Promise<never> => new Promise(() => {});

describe("a tier that cannot be read", () => {
  const FAULTS: [string, CacheTier["get"], RegExp][] = [
    ["throws", () => Promise.reject(new Error("KV GET failed: 500")), /KV GET failed: 500/],
    [
      "throws at once",
      () => {
        throw new TypeError("no binding");
      },
      /no binding/,
    ],
    ["rejects with nothing", () => Promise.reject(), /undefined/],
    ["hangs", never, /slower than 40 ms/],
    ["returns garbage", async () => new Uint8Array(300).fill(7), /not a whole entry/],
    ["returns nothing of it", async () => new Uint8Array(), /not a whole entry/],
    ["returns half of it", async () => (await storedValue()).subarray(0, 150), /not a whole entry/],
    [
      "returns all but a byte",
      async () => (await storedValue()).subarray(0, -1),
      /not a whole entry/,
    ],
    ["returns the entry of another key", async () => storedValue("other"), /not a whole entry/],
    ["returns text", async () => new TextEncoder().encode("<html>502</html>"), /not a whole entry/],
  ];

  test.each(FAULTS)("because it %s costs a miss and is told", async (_, get, problem) => {
    const harness = createHarness({ tiers: [broken(get)] });
    const { texts, report } = await harness.ask();
    expect(texts).toEqual(EXPECTED);
    expect(report).toMatchObject({ outcome: "miss", reason: "absent", stored: true });
    expect(report.failures).toEqual([{ tier: "kv", problem: expect.stringMatching(problem) }]);
    expect(harness.runs).toEqual(["hello"]);
    await harness.settle();
    expect((await harness.ask()).report).toMatchObject({ outcome: "hit", tier: "isolate" });
  });

  test.each(FAULTS)("because it %s does not keep from the next one", async (_, get) => {
    const kv = createMemoryTier("kv");
    const clock = { ms: 0 };
    await fill([kv], clock);
    const harness = createHarness({ tiers: [broken(get, "datacenter"), kv], clock });
    const { texts, report } = await harness.ask();
    expect(texts).toEqual(EXPECTED);
    expect(report).toMatchObject({ outcome: "hit", tier: "kv" });
    expect(report.failures).toMatchObject([{ tier: "datacenter" }]);
  });

  test("and answers late is not listened to, whatever it says", async () => {
    const late = Promise.withResolvers<undefined>();
    const harness = createHarness({ tiers: [broken(() => late.promise)] });
    const { report } = await harness.ask();
    expect(report.failures).toHaveLength(1);
    late.reject(new Error("after ten seconds"));
    await expect(late.promise).rejects.toThrow();
    expect((await harness.ask()).report).toMatchObject({ outcome: "hit", failures: [] });
  });
});

describe("a tier that cannot be written", () => {
  test.each<[string, CacheTier["put"]]>([
    ["has its limit", () => Promise.reject(new Error("KV PUT failed: 429 Too Many Requests"))],
    [
      "throws",
      () => {
        throw new TypeError("value too large");
      },
    ],
  ])("because it %s costs nothing now, and is counted", async (_, put) => {
    const { datacenter, kv } = createTiers();
    const harness = createHarness({ tiers: [{ ...kv, put }, datacenter] });
    expect((await harness.ask()).texts).toEqual(EXPECTED);
    await harness.settle();
    expect(harness.cache.failedWrites()).toEqual({ kv: 1, datacenter: 0 });
    expect(datacenter.values.size).toBe(1);
    expect((await harness.ask()).report).toMatchObject({ outcome: "hit", tier: "isolate" });
  });

  test("because it hangs does not hold up the answer", async () => {
    const { kv } = createTiers();
    const harness = createHarness({ tiers: [{ ...kv, put: never }] });
    expect((await harness.ask()).texts).toEqual(EXPECTED);
    expect((await harness.ask()).report.outcome).toBe("hit");
  });
});

describe("a purge", () => {
  test("ends what every tier has, also what comes back after its deletion", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const clock = { ms: 1000 };
    await fill(tiers, clock);
    // This log deletes nothing.
    const log = createMemoryPurgeLog();
    const harness = createHarness({ tiers, log, clock });
    await harness.ask();
    clock.ms = 2000;
    expect(await harness.cache.purge({})).toEqual({
      at: "1970-01-01T00:00:02.000Z",
      dropped: { isolate: 1, kv: 0 },
      complete: true,
    });
    clock.ms = 3000;
    const { texts, report } = await harness.ask();
    expect(report).toMatchObject({ outcome: "miss", reason: "purged", stored: true, failures: [] });
    expect(texts).toEqual(EXPECTED);
    expect(harness.runs).toEqual(["hello"]);
    await harness.settle();
    // The fresh answer has taken the place of the old one.
    expect((await createHarness({ tiers, log, clock }).ask()).report.outcome).toBe("hit");
    expect([datacenter.values.size, kv.values.size]).toEqual([1, 1]);
  });

  test("counts what was made in the same millisecond as old", async () => {
    const harness = createHarness({ log: createMemoryPurgeLog() });
    await harness.ask();
    await harness.cache.purge({});
    await harness.ask();
    expect(harness.runs).toHaveLength(2);
    // Stored at the time of the purge: not to be told from an answer made before it.
    expect((await harness.ask()).report).toMatchObject({ outcome: "miss", reason: "purged" });
    harness.clock.ms++;
    await harness.ask();
    expect((await harness.ask()).report.outcome).toBe("hit");
  });

  test("ends what was under way when it was ordered", async () => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv], log: createMemoryPurgeLog() });
    const { infer } = harness;
    harness.infer = async (request, call) => {
      harness.clock.ms += 10;
      await harness.cache.purge({ model: "echo" });
      harness.clock.ms += 10;
      return infer(request, call);
    };
    await harness.ask();
    await harness.settle();
    expect(kv.values.size).toBe(0);
    harness.infer = infer;
    expect((await harness.ask()).report).toMatchObject({ outcome: "miss", reason: "purged" });
  });

  test.each([
    ["a model", { model: "echo" }, ["miss", "miss", "hit", "hit"]],
    ["a version", { model: "echo", version: "2" }, ["hit", "miss", "hit", "hit"]],
    ["a client", { client: "0123456789abcdef" }, ["hit", "hit", "hit", "miss"]],
    [
      "a client's answers of a model",
      { model: "own", client: "anonymous" },
      ["hit", "hit", "miss", "hit"],
    ],
    ["everything", {}, ["miss", "miss", "miss", "miss"]],
    ["another model", { model: "ech" }, ["hit", "hit", "hit", "hit"]],
  ])("of %s reaches that and nothing else", async (_, scope, outcomes) => {
    const files = [{ path: "model.onnx", sha256: "b".repeat(64), sizeBytes: 1 }];
    const own = createManifest({
      name: "own",
      cache: { enabled: true, ttlSeconds: 60, scope: "key" },
    });
    const questions = [
      {},
      { manifest: createManifest({ version: "2", files }) },
      { manifest: own },
      { manifest: own, client: "0123456789abcdef" },
    ];
    const { tiers } = createTiers();
    const log = createMemoryPurgeLog();
    const harness = createHarness({ tiers, log });
    for (const question of questions) await harness.ask(question);
    await harness.settle();
    harness.clock.ms++;
    await harness.cache.purge(scope);
    harness.clock.ms++;
    const elsewhere = createHarness({ tiers, log, clock: harness.clock });
    for (const isolate of [harness, elsewhere]) {
      const replies = [];
      for (const question of questions)
        replies.push(
          await isolate.ask({ ...question, control: "only-if-cached" }).catch(() => undefined),
        );
      expect(replies.map((reply) => reply?.report.outcome ?? "miss")).toEqual(outcomes);
    }
  });

  test("of a version ends an answer that another version of the same file has stored", async () => {
    const harness = createHarness({ log: createMemoryPurgeLog() });
    const second = createManifest({ version: "2" });
    await harness.ask();
    expect((await harness.ask({ manifest: second })).report.outcome).toBe("hit");
    harness.clock.ms++;
    await harness.cache.purge({ model: "echo", version: "2" });
    const { report } = await harness.ask({ manifest: second });
    expect(report).toMatchObject({ outcome: "miss", reason: "purged" });
  });

  test("is obeyed here also when it cannot be written down", async () => {
    const log: PurgeLog = {
      ...createMemoryPurgeLog(),
      purge: () => Promise.reject(new Error("429")),
    };
    const harness = createHarness({ log });
    await harness.ask();
    harness.clock.ms++;
    await expect(harness.cache.purge({})).rejects.toThrow("429");
    expect((await harness.ask()).report.outcome).toBe("miss");
  });

  test("takes from the data centre what it has taken from KV, and does without", async () => {
    const { datacenter, kv, tiers } = createTiers();
    const removed = [{ key: "k", model: { name: "echo", version: "1" }, client: undefined }];
    const log: PurgeLog = {
      list: async () => [],
      purge: async () => ({ removed, complete: false }),
    };
    const harness = createHarness({ tiers, log });
    expect(await harness.cache.purge({})).toMatchObject({ dropped: { kv: 1 }, complete: false });
    expect([datacenter.calls, kv.calls]).toEqual([["delete"], []]);
    datacenter.delete = () => {
      throw new Error("down");
    };
    expect(await harness.cache.purge({})).toMatchObject({ dropped: { kv: 1 } });
  });
});

test("an encoded entry from before a purge that is put back by hand is not used", async () => {
  const kv = createMemoryTier("kv");
  const log = createMemoryPurgeLog();
  const harness = createHarness({ tiers: [kv], log, isolateBytes: 0 });
  const { report } = await harness.ask();
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
  // It is a whole entry, so it counts ...
  expect((await harness.ask()).texts).toEqual({ first: "old", second: "old" });
  harness.clock.ms += 5;
  await harness.cache.purge({});
  kv.values.set(key, wrong);
  harness.clock.ms += 5;
  // ... until the purge.
  const after = await harness.ask();
  expect(after.texts).toEqual(EXPECTED);
  expect(after.report).toMatchObject({ outcome: "miss", reason: "purged" });
});

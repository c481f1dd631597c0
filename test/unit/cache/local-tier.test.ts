import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLocalTier } from "../../../src/cache/local-tier.ts";
import type { CacheEntry } from "../../../src/domain/cache.ts";
import type { CachedResponse } from "../../../src/domain/cached-response.ts";

function createEntry(
  key: string,
  sizeBytes: number,
  changes: Partial<CacheEntry> = {},
): CacheEntry {
  const data = new Uint8Array(sizeBytes);
  return {
    key,
    model: { name: "iris", version: "1" },
    client: undefined,
    createdAt: 0,
    runMs: 1,
    outputs: [{ name: "y", datatype: "UINT8", shape: [sizeBytes], data }],
    ...changes,
  };
}

describe("the limit of the local tier", () => {
  test.each([
    // The entry that was used last stays, and the other one is evicted.
    ["put a, get a, put b, get a, put c", "b"],
    ["put a, put b, get a, get b, put c", "a"],
    ["put a, put b, get b, get a, put c", "b"],
    ["put a, put b, delete b, put b, get a, put c", "b"],
  ])("after %s, the evicted entry is %s", (actions, evicted) => {
    const alone = createLocalTier(Number.MAX_SAFE_INTEGER);
    alone.put(createEntry("a", 1000), 1000);
    const tier = createLocalTier(2 * alone.usedBytes);
    for (const [, kind, key = ""] of actions.matchAll(/(\w+) (\w)/g))
      if (kind === "put") tier.put(createEntry(key, 1000), 1000);
      else if (kind === "get") tier.get(key);
      else tier.delete(key);
    expect([..."abc"].filter((key) => !tier.get(key))).toEqual([evicted]);
  });

  test("the limit holds at all times, and the least recently used entry is evicted first", () => {
    const LIMIT = 10_000;
    const action = fc.record({
      kind: fc.constantFrom("get", "put", "delete"),
      key: fc.constantFrom(..."abcdefgh"),
      sizeBytes: fc.oneof(fc.nat({ max: 4000 }), fc.nat({ max: 20_000 })),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const tier = createLocalTier(LIMIT);
        /** The documented behaviour: the least recently used entry first. */
        let model: { key: string; entry: CacheEntry; usedBytes: number }[] = [];
        const touch = (key: string): void => {
          const used = model.filter((slot) => slot.key === key);
          model = [...model.filter((slot) => slot.key !== key), ...used];
        };
        for (const { kind, key, sizeBytes } of actions) {
          if (kind === "get") {
            expect(tier.get(key)?.entry).toBe(model.find((slot) => slot.key === key)?.entry);
            touch(key);
          } else if (kind === "delete") {
            tier.delete(key);
            model = model.filter((slot) => slot.key !== key);
          } else {
            const entry = createEntry(key, sizeBytes);
            const before = model.filter((slot) => slot.key !== key);
            const stored = tier.put(entry, sizeBytes);
            // The counted size of an entry is up to the tier, but never less than its data.
            const alone = createLocalTier(Number.MAX_SAFE_INTEGER);
            alone.put(entry, sizeBytes);
            expect(alone.usedBytes).toBeGreaterThanOrEqual(sizeBytes);
            expect(stored).toBe(alone.usedBytes <= LIMIT);
            model = stored ? [...before, { key, entry, usedBytes: alone.usedBytes }] : before;
            while (model.reduce((sum, { usedBytes }) => sum + usedBytes, 0) > LIMIT)
              model = model.slice(1);
          }
          expect(tier.usedBytes).toBeLessThanOrEqual(LIMIT);
          expect(tier.usedBytes).toBe(model.reduce((sum, { usedBytes }) => sum + usedBytes, 0));
          expect(tier.entries).toBe(model.length);
        }
      }),
    );
  });

  test("a tier with a limit of 0 stores nothing", () => {
    const tier = createLocalTier(0);
    expect(tier.put(createEntry("a", 0), 0)).toBe(false);
    expect(tier.get("a")).toBeUndefined();
    expect([tier.usedBytes, tier.entries]).toEqual([0, 0]);
  });

  test("strings count with their size in memory, which is more than their UTF-8", () => {
    const tier = createLocalTier(1_000_000);
    const data = Array.from({ length: 1000 }, () => "ü");
    const outputs = [{ name: "y", datatype: "BYTES", shape: [1000], data } as const];
    tier.put(createEntry("a", 0, { outputs }), 6000);
    // A pointer and a header of 12 bytes at the least, and the characters.
    expect(tier.usedBytes).toBeGreaterThan(1000 * (8 + 12 + 2));
  });

  test("an entry that is put again is counted once", () => {
    const tier = createLocalTier(10_000);
    tier.put(createEntry("a", 3000), 3000);
    const once = tier.usedBytes;
    tier.put(createEntry("a", 3000), 3000);
    expect(tier.usedBytes).toBe(once);
    tier.delete("a");
    tier.delete("a");
    expect(tier.usedBytes).toBe(0);
  });

  test("an entry is removed if the entry that replaces it is too large", () => {
    const tier = createLocalTier(2000);
    tier.put(createEntry("a", 10), 10);
    expect(tier.put(createEntry("a", 5000), 5000)).toBe(false);
    expect(tier.get("a")).toBeUndefined();
    expect(tier.usedBytes).toBe(0);
  });
});

test("an entry is found with the size of its data", () => {
  const tier = createLocalTier(10_000);
  const entry = createEntry("a", 12);
  tier.put(entry, 12);
  expect(tier.get("a")).toMatchObject({ sizeBytes: 12 });
  expect(tier.get("a")?.entry).toBe(entry);
});

describe("purges", () => {
  const entries = [
    createEntry("a", 1),
    createEntry("b", 1, { model: { name: "iris", version: "2" } }),
    createEntry("c", 1, { model: { name: "iris-2", version: "1" }, client: "anonymous" }),
    createEntry("d", 1, { client: "0123456789abcdef" }),
  ];

  test.each([
    ["of everything", {}, "abcd"],
    ["of a model", { model: "iris" }, "abd"],
    ["of a version", { model: "iris", version: "1" }, "ad"],
    ["of a client", { client: "0123456789abcdef" }, "d"],
    ["of a client's entries of a model", { model: "iris-2", client: "anonymous" }, "c"],
    ["of another model", { model: "iris-3" }, ""],
  ])("a purge %s removes that and nothing else", (_, scope, gone) => {
    const tier = createLocalTier(10_000);
    for (const entry of entries) tier.put(entry, 1);
    expect(tier.purge(scope)).toBe(gone.length);
    const left = [..."abcd"].filter((key) => tier.get(key) !== undefined).join("");
    expect(left).toBe([..."abcd"].filter((key) => !gone.includes(key)).join(""));
    expect(tier.entries).toBe(left.length);
    if (left === "") expect(tier.usedBytes).toBe(0);
  });
});

describe("responses", () => {
  const response = (sizeBytes: number): CachedResponse => ({
    body: new Uint8Array(sizeBytes),
    headers: new Headers(),
    ageSeconds: undefined,
  });

  test("an entry has the last stored response, found only by its request", () => {
    const tier = createLocalTier(100_000);
    const entry = createEntry("a", 1);
    tier.put(entry, 1);
    const [first, second] = [response(1), response(2)];
    tier.putResponse(entry, "request", first);
    expect(tier.getByRequest("request")?.stored?.response).toBe(first);
    tier.putResponse(entry, "another request", second);
    expect(tier.getByRequest("another request")?.stored?.response).toBe(second);
    expect(tier.getByRequest("request")).toBeUndefined();
  });

  test("a response is not stored with another entry of the same key", () => {
    const tier = createLocalTier(100_000);
    const replaced = createEntry("a", 1);
    tier.put(replaced, 1);
    tier.put(createEntry("a", 1), 1);
    tier.putResponse(replaced, "request", response(1));
    expect(tier.getByRequest("request")).toBeUndefined();
    tier.putResponse(createEntry("b", 1), "request", response(1));
    expect([tier.getByRequest("request"), tier.entries]).toEqual([undefined, 1]);
  });

  test("a lookup by request counts as a use of the entry", () => {
    const alone = createLocalTier(Number.MAX_SAFE_INTEGER);
    alone.put(createEntry("a", 1000), 1000);
    alone.putResponse(createEntry("a", 1000), "request", response(1));
    const tier = createLocalTier(3 * alone.usedBytes + 2000);
    const entry = createEntry("a", 1000);
    tier.put(entry, 1000);
    tier.putResponse(entry, "request", response(1));
    tier.put(createEntry("b", 1000), 1000);
    tier.getByRequest("request");
    tier.put(createEntry("c", 1000), 1000);
    tier.put(createEntry("d", 1000), 1000);
    expect([..."abcd"].map((key) => tier.get(key) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  test("responses count towards the limit, and are removed with their entries", () => {
    const LIMIT = 6000;
    const action = fc.record({
      kind: fc.constantFrom("put", "respond", "get", "delete", "purge"),
      key: fc.constantFrom(..."abcd"),
      request: fc.constantFrom("", " again"),
      sizeBytes: fc.nat({ max: 3000 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const tier = createLocalTier(LIMIT);
        for (const { kind, key, request, sizeBytes } of actions) {
          if (kind === "put") tier.put(createEntry(key, sizeBytes), sizeBytes);
          else if (kind === "delete") tier.delete(key);
          else if (kind === "purge") tier.purge({ model: "iris" });
          else if (kind === "get") tier.get(key);
          else {
            const entry = tier.get(key)?.entry;
            if (entry) tier.putResponse(entry, `${key}${request}`, response(sizeBytes));
          }
          expect(tier.usedBytes).toBeLessThanOrEqual(LIMIT);
          for (const each of "abcd")
            for (const text of [each, `${each} again`]) {
              const found = tier.getByRequest(text);
              // Only where its entry is, and with a response to that very request.
              if (found) {
                expect(found.stored?.request).toBe(text);
                expect(found.entry).toBe(tier.get(each)?.entry);
              }
            }
        }
        for (const key of "abcd") tier.delete(key);
        expect([tier.usedBytes, tier.entries]).toEqual([0, 0]);
        for (const key of "abcd") expect(tier.getByRequest(key)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});

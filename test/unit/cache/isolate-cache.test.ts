import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createIsolateCache } from "../../../src/cache/isolate-cache.ts";
import type { CachedPrediction } from "../../../src/domain/cache.ts";

function createEntry(
  key: string,
  sizeBytes: number,
  changes: Partial<CachedPrediction> = {},
): CachedPrediction {
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

describe("the limit", () => {
  test.each([
    // The one that was used last, again and again, stays, and the other goes.
    ["put a, get a, put b, get a, put c", "b"],
    ["put a, put b, get a, get b, put c", "a"],
    ["put a, put b, get b, get a, put c", "b"],
    ["put a, put b, delete b, put b, get a, put c", "b"],
  ])("drops after %s the entry %s", (actions, dropped) => {
    const lone = createIsolateCache(Number.MAX_SAFE_INTEGER);
    lone.put(createEntry("a", 1000), 1000);
    const cache = createIsolateCache(2 * lone.usedBytes);
    for (const [, kind, key = ""] of actions.matchAll(/(\w+) (\w)/g))
      if (kind === "put") cache.put(createEntry(key, 1000), 1000);
      else if (kind === "get") cache.get(key);
      else cache.delete(key);
    expect([..."abc"].filter((key) => !cache.get(key))).toEqual([dropped]);
  });

  test("holds at all times, and the least recently used goes first", () => {
    const LIMIT = 10_000;
    const action = fc.record({
      kind: fc.constantFrom("get", "put", "delete"),
      key: fc.constantFrom(..."abcdefgh"),
      sizeBytes: fc.oneof(fc.nat({ max: 4000 }), fc.nat({ max: 20_000 })),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const cache = createIsolateCache(LIMIT);
        /** By what the cache is said to do: the oldest use first, and what it answered. */
        let model: { key: string; entry: CachedPrediction; usedBytes: number }[] = [];
        const touch = (key: string): void => {
          const used = model.filter((slot) => slot.key === key);
          model = [...model.filter((slot) => slot.key !== key), ...used];
        };
        for (const { kind, key, sizeBytes } of actions) {
          if (kind === "get") {
            expect(cache.get(key)?.entry).toBe(model.find((slot) => slot.key === key)?.entry);
            touch(key);
          } else if (kind === "delete") {
            cache.delete(key);
            model = model.filter((slot) => slot.key !== key);
          } else {
            const entry = createEntry(key, sizeBytes);
            const before = model.filter((slot) => slot.key !== key);
            const stored = cache.put(entry, sizeBytes);
            // What one entry costs is the cache's affair, but never less than its data.
            const lone = createIsolateCache(Number.MAX_SAFE_INTEGER);
            lone.put(entry, sizeBytes);
            expect(lone.usedBytes).toBeGreaterThanOrEqual(sizeBytes);
            expect(stored).toBe(lone.usedBytes <= LIMIT);
            model = stored ? [...before, { key, entry, usedBytes: lone.usedBytes }] : before;
            while (model.reduce((sum, { usedBytes }) => sum + usedBytes, 0) > LIMIT)
              model = model.slice(1);
          }
          expect(cache.usedBytes).toBeLessThanOrEqual(LIMIT);
          expect(cache.usedBytes).toBe(model.reduce((sum, { usedBytes }) => sum + usedBytes, 0));
          expect(cache.entries).toBe(model.length);
        }
      }),
    );
  });

  test("of 0 keeps nothing", () => {
    const cache = createIsolateCache(0);
    expect(cache.put(createEntry("a", 0), 0)).toBe(false);
    expect(cache.get("a")).toBeUndefined();
    expect([cache.usedBytes, cache.entries]).toEqual([0, 0]);
  });

  test("counts strings by what they take in memory, which is more than their UTF-8", () => {
    const cache = createIsolateCache(1_000_000);
    const data = Array.from({ length: 1000 }, () => "ü");
    const outputs = [{ name: "y", datatype: "BYTES", shape: [1000], data } as const];
    cache.put(createEntry("a", 0, { outputs }), 6000);
    // A pointer and a header of 12 bytes at the least, and the characters.
    expect(cache.usedBytes).toBeGreaterThan(1000 * (8 + 12 + 2));
  });

  test("counts an entry that is put again once", () => {
    const cache = createIsolateCache(10_000);
    cache.put(createEntry("a", 3000), 3000);
    const once = cache.usedBytes;
    cache.put(createEntry("a", 3000), 3000);
    expect(cache.usedBytes).toBe(once);
    cache.delete("a");
    cache.delete("a");
    expect(cache.usedBytes).toBe(0);
  });

  test("drops what is replaced by something too large", () => {
    const cache = createIsolateCache(2000);
    cache.put(createEntry("a", 10), 10);
    expect(cache.put(createEntry("a", 5000), 5000)).toBe(false);
    expect(cache.get("a")).toBeUndefined();
    expect(cache.usedBytes).toBe(0);
  });
});

test("an entry comes back with the size of its data", () => {
  const cache = createIsolateCache(10_000);
  const entry = createEntry("a", 12);
  cache.put(entry, 12);
  expect(cache.get("a")).toMatchObject({ sizeBytes: 12 });
  expect(cache.get("a")?.entry).toBe(entry);
});

describe("a purge", () => {
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
    ["of a client's answers of a model", { model: "iris-2", client: "anonymous" }, "c"],
    ["of another model", { model: "iris-3" }, ""],
  ])("%s drops that and nothing else", (_, scope, gone) => {
    const cache = createIsolateCache(10_000);
    for (const entry of entries) cache.put(entry, 1);
    expect(cache.purge(scope)).toBe(gone.length);
    const left = [..."abcd"].filter((key) => cache.get(key) !== undefined).join("");
    expect(left).toBe([..."abcd"].filter((key) => !gone.includes(key)).join(""));
    expect(cache.entries).toBe(left.length);
    if (left === "") expect(cache.usedBytes).toBe(0);
  });
});

test("renderings share the limit, and go with their entries", () => {
  const LIMIT = 6000;
  const action = fc.record({
    kind: fc.constantFrom("put", "render", "get", "delete", "purge"),
    key: fc.constantFrom(..."abcd"),
    request: fc.constantFrom("", " again"),
    sizeBytes: fc.nat({ max: 3000 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const cache = createIsolateCache(LIMIT);
      for (const { kind, key, request, sizeBytes } of actions) {
        if (kind === "put") cache.put(createEntry(key, sizeBytes), sizeBytes);
        else if (kind === "delete") cache.delete(key);
        else if (kind === "purge") cache.purge({ model: "iris" });
        else if (kind === "get") cache.get(key);
        else {
          const outputs = cache.get(key)?.entry.outputs ?? [];
          const body = new Uint8Array(sizeBytes);
          const answer = { body, headers: new Headers(), ageSeconds: undefined };
          cache.keepRendering(key, outputs, { request: `${key}${request}`, answer });
        }
        expect(cache.usedBytes).toBeLessThanOrEqual(LIMIT);
        for (const each of "abcd")
          for (const text of [each, `${each} again`]) {
            const rendering = cache.findRendering(text);
            // Only where its entry is.
            if (rendering)
              expect([rendering.key, cache.get(each)?.entry.key]).toEqual([each, each]);
          }
      }
      for (const key of "abcd") cache.delete(key);
      expect([cache.usedBytes, cache.entries]).toEqual([0, 0]);
      for (const key of "abcd") expect(cache.findRendering(key)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

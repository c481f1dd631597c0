import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEntryStore } from "../../../src/cache/entry-store.ts";
import { toLookup } from "../../../src/cache/lookup.ts";
import { createResponseCache } from "../../../src/cache/response-cache.ts";
import type { CacheEntry, Purge } from "../../../src/domain/cache.ts";
import { mergeCacheReports, parseCacheControl } from "../../../src/domain/cache-control.ts";
import type { CachedResponse } from "../../../src/domain/cached-response.ts";
import { type Call, createCall } from "../../../src/domain/call.ts";
import type { PublishedModel } from "../../../src/domain/published-model.ts";
import { createManifest } from "../../support/cache-harness.ts";

const TTL_SECONDS = 60;
const MODEL = { name: "echo", version: "1" };
const FORM = "infer ";

function publish(changes: Partial<PublishedModel> = {}, scope = "public"): PublishedModel {
  const manifest = createManifest({ cache: { enabled: true, ttlSeconds: TTL_SECONDS, scope } });
  return { ...MODEL, revision: "1", versions: ["1"], manifest, ...changes };
}

const published = publish();
const uncached = publish({
  manifest: createManifest({ cache: { enabled: false, ttlSeconds: TTL_SECONDS } }),
});
const toBytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const REQUEST = toBytes("a request");

function createResponse(text: string): CachedResponse {
  const headers = new Headers({ "content-type": "application/json" });
  return { body: Uint8Array.from(toBytes(text)), headers, ageSeconds: undefined };
}

const callWith = (control?: string): Call => createCall({ cache: parseCacheControl(control) });

/** One entry in the local tier, and requests for it. */
function createCase({
  localBytes = 20_000,
  purges,
  enabled = true,
}: {
  localBytes?: number;
  purges?: Purge[];
  enabled?: boolean;
} = {}) {
  const clock = { ms: 1_000_000 };
  const options = { localBytes, maxEntryBytes: 10_000, readTimeoutMs: 100, now: () => clock.ms };
  const log = purges && {
    list: async () => purges,
    record: async () => undefined,
    purge: async () => ({ removed: [], complete: true }),
  };
  const entries = createEntryStore([], log, options);
  const responses = createResponseCache(entries, { enabled });
  const entryLookup = toLookup(published, parseCacheControl(undefined), {
    key: "k",
    useRemoteTiers: false,
  });

  async function lookup(control?: string, body = REQUEST, form = FORM) {
    const call = callWith(control);
    const found = await responses.lookup(published, form, body, call);
    return { call, found, response: found?.response, report: call.trace.cache };
  }

  return {
    clock,
    entries,
    responses,
    lookup,
    /** Stores a new entry. */
    store(text: string): CacheEntry {
      const outputs = [{ name: "first", datatype: "BYTES", shape: [1], data: [text] } as const];
      const { trace, waitUntil } = callWith();
      const entry = { ...entryLookup.address, createdAt: clock.ms, runMs: 7, outputs };
      return entries.store(entry, entryLookup, trace.cache, waitUntil).entry;
    },
    /** A request whose response is not stored yet and whose entry is a hit. */
    async hit(response = createResponse("the response"), body = REQUEST): Promise<CachedResponse> {
      const { call, found } = await lookup(undefined, body);
      entries.findLocal(entryLookup, call.trace.cache);
      call.trace.cache.key = "k";
      found?.store(response.body.byteLength, () => response);
      return response;
    },
  };
}

describe("the identity of a request", () => {
  test("a request is identified by its model, revision, form and each byte of its body, and by nothing else", async () => {
    const part = fc.record({
      name: fc.constantFrom("a", "b", "ab"),
      version: fc.constantFrom("1", "11"),
      revision: fc.constantFrom("1", "11"),
      form: fc.constantFrom("infer ", "infer 0", "infer 1"),
      // A line break, digits as in the other parts, and a byte that is not UTF-8.
      bytes: fc
        .array(fc.constantFrom(0x0a, 0x30, 0x31, 0xff), { minLength: 1, maxLength: 3 })
        .map((bytes) => Uint8Array.from(bytes)),
    });
    const pair = fc.oneof(
      fc.tuple(part, part),
      part.map((one) => [one, { ...one }] as const),
    );
    type Part = typeof part extends fc.Arbitrary<infer T> ? T : never;
    const describePart = ({ bytes, ...rest }: Part) => JSON.stringify([rest, [...bytes]]);
    const { responses, store, entries } = createCase();
    const entry = store("one");
    const response = createResponse("the response");
    await fc.assert(
      fc.asyncProperty(pair, async ([one, two]) => {
        const [first, second] = [one, two].map(({ form, bytes, ...model }) => {
          const call = callWith();
          return { call, run: () => responses.lookup(publish(model), form, bytes, call) };
        });
        // Another response than the one of the previous example.
        entries.putResponse(entry, "another request", response);
        const missed = await first?.run();
        expect(missed?.response).toBeUndefined();
        const report = { outcome: "hit", tier: "isolate", key: "k", entry } as const;
        Object.assign(first?.call.trace.cache ?? {}, report);
        missed?.store(1, () => response);
        const found = await second?.run();
        expect(found?.response === response).toBe(describePart(one) === describePart(two));
      }),
      { numRuns: 3000 },
    );
  });

  test("a request is identified by any of the 256 byte values", async () => {
    const { store, hit, lookup } = createCase();
    store("one");
    for (let byte = 0; byte < 256; byte++) {
      const response = await hit(createResponse("the response"), Uint8Array.of(byte));
      for (const other of [byte - 1, byte + 1]) {
        if (other < 0 || other > 255) continue;
        expect((await lookup(undefined, Uint8Array.of(other))).response).toBeUndefined();
      }
      expect((await lookup(undefined, Uint8Array.of(byte))).response).toBe(response);
    }
  });
});

describe("accepted requests", () => {
  test.each<[string, string | undefined, number | undefined, boolean]>([
    ["whose body is larger than 4096 bytes", undefined, 4097, true],
    ["whose body is empty", undefined, 0, true],
    ["whose length is unknown", undefined, undefined, true],
    ["with no-cache", "no-cache", 1, true],
    ["with no-store", "no-store", 1, true],
    ["where the cache is disabled", undefined, 1, false],
  ])("a request %s is not looked up", (_, control, sizeBytes, enabled) => {
    const { responses } = createCase({ enabled });
    const call = callWith(control);
    expect(responses.accepts(call.cache, sizeBytes)).toBe(false);
    if (sizeBytes !== undefined)
      expect(responses.lookup(published, FORM, new Uint8Array(sizeBytes), call)).toBeUndefined();
  });

  test.each<[string, PublishedModel]>([
    ["whose entries belong to one client", publish({}, "key")],
    ["whose manifest disables the cache", uncached],
  ])("a request to a model %s is not looked up", (_, model) => {
    const { responses } = createCase();
    expect(responses.stores(model)).toBe(false);
    expect(responses.lookup(model, FORM, REQUEST, callWith())).toBeUndefined();
  });

  test.each([undefined, "max-age=5", "only-if-cached"])(
    "a request with cache-control %s is looked up",
    (control) => {
      const { responses } = createCase();
      const call = callWith(control);
      expect(responses.accepts(call.cache, 4096)).toBe(true);
      expect(responses.stores(published)).toBe(true);
      expect(responses.lookup(published, FORM, new Uint8Array(4096), call)).toBeDefined();
    },
  );
});

describe("a response", () => {
  test("a response is found once its entry has been a hit, and reported as a hit", async () => {
    const { store, hit, lookup, clock } = createCase();
    expect((await lookup()).response).toBeUndefined();
    store("one");
    expect((await lookup()).response).toBeUndefined();
    const stored = await hit();
    clock.ms += 5000;
    const { response, report } = await lookup();
    expect(response).toBe(stored);
    expect(report).toMatchObject({
      outcome: "hit",
      tier: "isolate",
      key: "k",
      isStoredResponse: true,
      ageSeconds: 5,
      ttlSeconds: TTL_SECONDS - 5,
      savedMs: 7,
    });
    expect((await lookup("max-age=5")).response).toBe(stored);
    expect((await lookup("only-if-cached")).response).toBe(stored);
  });

  test.each(["no-cache", "no-store", "max-age=4"])(
    "a response is not used with %s",
    async (control) => {
      const { store, hit, lookup, clock } = createCase();
      store("one");
      await hit();
      clock.ms += 5000;
      const { response, report } = await lookup(control);
      expect(response).toBeUndefined();
      expect(report).toMatchObject({ outcome: undefined, isStoredResponse: false });
    },
  );

  test("a response past the ttl is not used, as the lookup of the entry reports", async () => {
    const { store, hit, lookup, clock, entries } = createCase();
    store("one");
    await hit();
    clock.ms += TTL_SECONDS * 1000 + 1;
    expect((await lookup()).response).toBeUndefined();
    expect(entries.usage().entries).toBe(1);
  });

  test.each([{ model: "echo" }, { model: "echo", version: "1" }, {}])(
    "a response is removed by the purge %j",
    async (scope) => {
      const { store, hit, lookup, entries, clock } = createCase();
      store("one");
      await hit();
      await entries.purge(scope);
      expect((await lookup()).response).toBeUndefined();
      expect(entries.usage().usedBytes).toBe(0);
      // An entry of the same key from after the purge has no response yet.
      clock.ms += 1;
      store("two");
      expect((await lookup()).response).toBeUndefined();
    },
  );

  test("a response is not used while the purges of other isolates are stale", async () => {
    const purges: Purge[] = [];
    const { store, hit, lookup, clock } = createCase({ purges });
    store("one");
    const stored = await hit();
    expect((await lookup()).response).toBe(stored);
    purges.push({ model: MODEL.name, at: clock.ms + 1 });
    clock.ms += 31_000;
    expect((await lookup()).response).toBeUndefined();
  });

  test("a response is used after the purges of other isolates were read, if none covers it", async () => {
    const { store, hit, lookup, clock } = createCase({ purges: [] });
    store("one");
    const stored = await hit();
    clock.ms += 31_000;
    expect((await lookup()).response).toBe(stored);
  });

  test("a response is removed with its entry, when another entry replaces that", async () => {
    const { store, hit, lookup } = createCase();
    store("one");
    await hit();
    store("two");
    expect((await lookup()).response).toBeUndefined();
  });

  test("a response counts as memory of the local tier, and is not stored if it does not fit", async () => {
    const roomy = createCase();
    roomy.store("one");
    const entryBytes = roomy.entries.usage().usedBytes;
    await roomy.hit();
    const bothBytes = roomy.entries.usage().usedBytes;
    expect(bothBytes).toBeGreaterThanOrEqual(entryBytes + "a requestthe response".length);
    const narrow = createCase({ localBytes: bothBytes - 1 });
    narrow.store("one");
    await narrow.hit();
    expect(narrow.entries.usage()).toMatchObject({ usedBytes: entryBytes, entries: 1 });
    expect((await narrow.lookup()).response).toBeUndefined();
  });
});

describe("responses that are not stored", () => {
  const unused = (): never => {
    throw new Error("nothing is stored");
  };

  async function expectNotStored(
    { entries, lookup, store }: ReturnType<typeof createCase>,
    change: (call: Call, entry: CacheEntry) => void,
    sizeBytes = 1,
  ): Promise<void> {
    const entry = store("one");
    const { call, found } = await lookup();
    const report = { outcome: "hit", tier: "isolate", key: "k", entry } as const;
    Object.assign(call.trace.cache, report);
    change(call, entry);
    const before = entries.usage().usedBytes;
    found?.store(sizeBytes, unused);
    expect(entries.usage().usedBytes).toBe(before);
    expect((await lookup()).response).toBeUndefined();
  }

  test("a response larger than 16 KiB is not stored", () =>
    expectNotStored(createCase(), () => undefined, 16_385));

  test("a response is not stored if its entry was computed", () =>
    expectNotStored(createCase(), ({ trace }) => {
      Object.assign(trace.cache, { outcome: "miss", tier: undefined, entry: undefined });
    }));

  test("a response is not stored if its entry was found in a remote tier", () =>
    expectNotStored(createCase(), ({ trace }) => {
      Object.assign(trace.cache, { tier: "kv" });
    }));

  test("a response that combines several entries is not stored", () =>
    expectNotStored(createCase(), ({ trace }) => {
      trace.cache = mergeCacheReports([trace.cache, { ...trace.cache }]);
    }));

  test("a response is not stored if another entry has replaced its own", async () => {
    const { entries, lookup, store } = createCase();
    const entry = store("one");
    const { call, found } = await lookup();
    Object.assign(call.trace.cache, { outcome: "hit", tier: "isolate", key: "k", entry });
    store("one");
    const before = entries.usage().usedBytes;
    found?.store(1, () => createResponse("the response"));
    expect((await lookup()).response).toBeUndefined();
    expect(entries.usage().usedBytes).toBe(before);
  });
});

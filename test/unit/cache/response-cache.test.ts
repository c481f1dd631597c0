import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPredictionCache, toLookup } from "../../../src/cache/prediction-cache.ts";
import { createFinishedAnswers } from "../../../src/cache/response-cache.ts";
import type { Purge } from "../../../src/domain/cache.ts";
import { parseCacheControl } from "../../../src/domain/cache-control.ts";
import { type Call, createCall } from "../../../src/domain/call.ts";
import type { FinishedAnswer } from "../../../src/domain/finished-answer.ts";
import type { PublishedModel } from "../../../src/domain/published-model.ts";
import { createManifest } from "../../support/cache-harness.ts";

const TTL_SECONDS = 60;
const MODEL = { name: "echo", version: "1" };

function publish(changes: Partial<PublishedModel> = {}, scope = "public"): PublishedModel {
  const manifest = createManifest({ cache: { enabled: true, ttlSeconds: TTL_SECONDS, scope } });
  return { ...MODEL, revision: "1", versions: ["1"], manifest, ...changes };
}

const published = publish();
const body = (text: string): Uint8Array => new TextEncoder().encode(text);
const answer: FinishedAnswer = {
  body: Uint8Array.from(body("the answer")),
  headers: new Headers({ "content-type": "application/json" }),
  ageSeconds: undefined,
};

const kept = { sizeBytes: answer.body.byteLength, finish: () => answer };

/** One entry in the isolate, and what a request like those before would do. */
function createCase({
  isolateBytes = 10_000,
  purges,
}: {
  isolateBytes?: number;
  purges?: Purge[];
} = {}) {
  const clock = { ms: 1_000_000 };
  const options = { isolateBytes, maxEntryBytes: 10_000, readTimeoutMs: 100, now: () => clock.ms };
  const log = purges && {
    list: async () => purges,
    purge: async () => ({ removed: [], complete: true }),
  };
  const cache = createPredictionCache([], log, options);
  const finished = createFinishedAnswers(cache, { enabled: true });
  const callWith = (control?: string): Call => createCall({ cache: parseCacheControl(control) });
  const lookup = toLookup(published, parseCacheControl(undefined), { key: "k", outward: false });
  const asked = finished.identify(published, "form", body("a request"));
  return {
    clock,
    cache,
    finished,
    /** Stores an answer to the question anew. */
    store(text: string): void {
      const outputs = [{ name: "first", datatype: "BYTES", shape: [1], data: [text] } as const];
      const { trace, waitUntil } = callWith();
      const entry = { ...lookup.address, createdAt: clock.ms, runMs: 7, outputs };
      cache.store(entry, lookup, trace.cache, waitUntil);
    },
    /** A hit on the long way, whose rendering is kept. */
    hit(): void {
      const { trace } = callWith();
      const found = cache.findNear(lookup, trace.cache);
      trace.cache.key = "k";
      finished.keep(asked, kept, found?.entry.outputs ?? [], trace.cache);
    },
    async find(control?: string, request = asked) {
      const context = callWith(control);
      const found = await finished.find(published, request, context);
      return { found, report: context.trace.cache };
    },
  };
}

describe("a request is told by", () => {
  const { finished } = createCase();
  const identify = (changes: Partial<PublishedModel>, form: string, bytes: Uint8Array) =>
    finished.identify(publish(changes), form, bytes);

  test("its model, revision, form and each byte of its body, and by nothing else", () => {
    const part = fc.record({
      name: fc.constantFrom("a", "b", "ab"),
      version: fc.constantFrom("1", "11"),
      revision: fc.constantFrom("1", "11"),
      form: fc.constantFrom("infer undefined", "infer 0", "infer 1"),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 3 }),
    });
    const spell = ({ bytes, ...rest }: typeof part extends fc.Arbitrary<infer T> ? T : never) =>
      JSON.stringify([rest, [...bytes]]);
    fc.assert(
      fc.property(part, part, (one, two) => {
        const [first, second] = [one, two].map(({ form, bytes, ...model }) =>
          identify(model, form, bytes),
        );
        expect(first === second).toBe(spell(one) === spell(two));
      }),
      { numRuns: 5000 },
    );
  });

  test("any of the 256 bytes", () => {
    const texts = Array.from({ length: 256 }, (_, byte) => identify({}, "f", Uint8Array.of(byte)));
    expect(new Set(texts).size).toBe(256);
    expect(texts).not.toContain(undefined);
  });

  test("nothing when it is large, or its answer is not for everybody", () => {
    expect(finished.identify(published, "f", new Uint8Array(4097))).toBeUndefined();
    expect(finished.identify(publish({}, "key"), "f", body("x"))).toBeUndefined();
    const manifest = createManifest({ cache: { enabled: false, ttlSeconds: 60 } });
    expect(finished.identify(publish({ manifest }), "f", body("x"))).toBeUndefined();
  });
});

describe("a finished answer", () => {
  test("is found once a request has been a hit, and reported as one", async () => {
    const { store, hit, find, clock } = createCase();
    expect((await find()).found).toBeUndefined();
    store("one");
    expect((await find()).found).toBeUndefined();
    hit();
    clock.ms += 5000;
    const { found, report } = await find();
    expect(found).toBe(answer);
    expect(report).toMatchObject({
      outcome: "hit",
      tier: "isolate",
      key: "k",
      ageSeconds: 5,
      ttlSeconds: TTL_SECONDS - 5,
      savedMs: 7,
    });
    expect((await find("max-age=5")).found).toBe(answer);
    expect((await find("only-if-cached")).found).toBe(answer);
  });

  test.each(["no-cache", "no-store", "max-age=4"])("is not for %s", async (control) => {
    const { store, hit, find, clock } = createCase();
    store("one");
    hit();
    clock.ms += 5000;
    const { found, report } = await find(control);
    expect(found).toBeUndefined();
    expect(report.outcome).toBeUndefined();
  });

  test("is not used past the ttl, which is left to tell to who looks next", async () => {
    const { store, hit, find, clock, cache } = createCase();
    store("one");
    hit();
    clock.ms += TTL_SECONDS * 1000 + 1;
    expect((await find()).found).toBeUndefined();
    expect(cache.usage().entries).toBe(1);
  });

  test.each([{ model: "echo" }, { model: "echo", version: "1" }, {}])(
    "is gone after the purge %j",
    async (scope) => {
      const { store, hit, find, cache, clock } = createCase();
      store("one");
      hit();
      await cache.purge(scope);
      expect((await find()).found).toBeUndefined();
      expect(cache.usage().usedBytes).toBe(0);
      // An answer of the same key from after the purge has no rendering yet.
      clock.ms += 1;
      store("two");
      expect((await find()).found).toBeUndefined();
    },
  );

  test("is not used once it is time to read what other isolates have purged", async () => {
    const purges: Purge[] = [];
    const { store, hit, find, clock } = createCase({ purges });
    store("one");
    hit();
    expect((await find()).found).toBe(answer);
    purges.push({ model: MODEL.name, at: clock.ms + 1 });
    clock.ms += 31_000;
    expect((await find()).found).toBeUndefined();
  });

  test("goes with the entry that it was made of, when another takes its place", async () => {
    const { store, hit, find } = createCase();
    store("one");
    hit();
    store("two");
    expect((await find()).found).toBeUndefined();
  });

  test("is not kept for an entry that it was not made of", async () => {
    const { store, finished, find, cache } = createCase();
    store("one");
    const before = cache.usage().usedBytes;
    const report = {
      ...createCall().trace.cache,
      outcome: "hit",
      tier: "isolate",
      key: "k",
    } as const;
    const stranger = { name: "first", datatype: "BYTES", shape: [1], data: ["one"] } as const;
    finished.keep("a request", kept, [stranger], report);
    expect((await find(undefined, "a request")).found).toBeUndefined();
    expect(cache.usage().usedBytes).toBe(before);
  });

  test("counts as memory of the isolate's tier, and is not kept where it does not fit", async () => {
    const roomy = createCase();
    roomy.store("one");
    const entryBytes = roomy.cache.usage().usedBytes;
    roomy.hit();
    const bothBytes = roomy.cache.usage().usedBytes;
    expect(bothBytes).toBeGreaterThanOrEqual(entryBytes + "a requestthe answer".length);
    const narrow = createCase({ isolateBytes: bothBytes - 1 });
    narrow.store("one");
    narrow.hit();
    expect(narrow.cache.usage()).toMatchObject({ usedBytes: entryBytes, entries: 1 });
    expect((await narrow.find()).found).toBeUndefined();
  });
});

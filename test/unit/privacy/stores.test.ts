import { beforeEach, describe, expect, test } from "vitest";
import { decodeEntry } from "../../../src/cache/entry.ts";
import type { CacheAddress, EntryInventory } from "../../../src/domain/cache.ts";
import { isInScope } from "../../../src/domain/cache.ts";
import type { DataSelector } from "../../../src/domain/data-selector.ts";
import type { TelemetryEvent } from "../../../src/domain/event.ts";
import { requestHash } from "../../../src/domain/request-hash.ts";
import { sweepLateData } from "../../../src/privacy/late-data.ts";
import type { ErasedPage } from "../../../src/privacy/personal-data-store.ts";
import { createCapturesData } from "../../../src/privacy/stores/captures.ts";
import { createEventsData } from "../../../src/privacy/stores/events.ts";
import { createKeysData } from "../../../src/privacy/stores/keys.ts";
import { createPredictionsData } from "../../../src/privacy/stores/predictions.ts";
import { createPrefixesData } from "../../../src/privacy/stores/prefixes.ts";
import { WorkBudget } from "../../../src/privacy/work-budget.ts";
import { createCaptureStore } from "../../../src/storage/capture-store.ts";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { createEventLog } from "../../../src/telemetry/event-log.ts";
import { HIT, PURGE } from "../../contracts/event-sink.ts";
import { createHarness, createMemoryTier } from "../../support/cache-harness.ts";
import { createTestKeys } from "../../support/keys.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

stubWorkersGlobals();

const [SUBJECT, OTHER] = ["5".repeat(32), "6".repeat(32)];
const NOW = Date.UTC(2026, 10, 30);
const page = (cursor?: string) => ({ cursor, budget: new WorkBudget(1000, 1_000_000) });

describe("captures", () => {
  const objects = createMemoryObjectStore();
  const captures = createCaptureStore(objects, async () => new Uint8Array(32));
  const store = createCapturesData(captures);
  const capture = { name: "iris", version: "1", principal: "abc", expiresAt: NOW };
  const put = async (subject: string | undefined, request: string): Promise<string> =>
    captures.put(
      { ...capture, subject, request },
      new TextEncoder().encode(`{"of":"${request[0]}"}`),
    );

  beforeEach(async () => {
    await captures.delete((await captures.list()).captures.map(({ key }) => key));
  });

  test.each([
    ["subject", SUBJECT, ["1"]],
    ["key", "abc", ["1", "2", "3"]],
    ["request", "2".repeat(32), ["2"]],
    ["subject", "7".repeat(32), []],
  ] as const)("of a %s are exported and erased, and no others", async (kind, value, expected) => {
    await put(SUBJECT, "1".repeat(32));
    await put(OTHER, "2".repeat(32));
    await put(undefined, "3".repeat(32));
    const exported = await store.export({ kind, value }, page());
    const found = (exported.items as { of: string }[]).map(({ of }) => of).sort();
    expect(found).toEqual(expected);
    expect(await store.erase({ kind, value }, page())).toMatchObject({ erased: expected.length });
    expect((await captures.list()).captures).toHaveLength(3 - expected.length);
  });

  test("one that cannot be decrypted is told in the export, and keeps no other from it", async () => {
    const broken = await put(SUBJECT, "1".repeat(32));
    await put(SUBJECT, "2".repeat(32));
    await objects.put(broken, new TextEncoder().encode("ONNXENC? no"));
    const { items } = await store.export({ kind: "subject", value: SUBJECT }, page());
    expect(items).toHaveLength(2);
    expect(items).toEqual(
      expect.arrayContaining([
        { key: broken, problem: expect.stringContaining("cannot be decrypted") },
        expect.objectContaining({ of: "2" }),
      ]),
    );
  });

  test("an export ends a page when its bytes are enough, and goes on after it", async () => {
    for (const digit of ["1", "2", "3"]) await put(SUBJECT, digit.repeat(32));
    const found: unknown[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const budget = new WorkBudget(1000, 1);
      const part = await store.export({ kind: "subject", value: SUBJECT }, { cursor, budget });
      found.push(...part.items);
      cursor = part.cursor;
      pages += 1;
    } while (cursor !== undefined && pages < 10);
    expect([found.length, pages]).toEqual([3, 4]);
  });

  test("that were stored late are swept after an erasure, and others are not", async () => {
    await put(SUBJECT, "1".repeat(32));
    await put(OTHER, "2".repeat(32));
    const [{ writtenAt = 0 } = {}] = (await captures.list()).captures;
    const sweep = (at: number) => sweepLateData([store], [{ subject: SUBJECT, at }], at + 1000);
    expect(await sweep(writtenAt - 200_000)).toEqual({ erased: 0, complete: true });
    expect(await sweep(writtenAt - 20_000)).toEqual({ erased: 1, complete: true });
    expect((await captures.list()).captures).toHaveLength(1);
    const old = [{ subject: OTHER, at: writtenAt }];
    expect(await sweepLateData([store], old, writtenAt + 4 * 86_400_000)).toEqual({
      erased: 0,
      complete: true,
    });
  });
});

describe("predictions", () => {
  /** What KV lists later, which each page tells. */
  const UNLISTED = {
    what: expect.stringContaining("KV did not list yet"),
    until: new Date(NOW + 2 * 86_400_000).toISOString(),
  };

  /** The entries of a tier in memory, which are listed as KV does. */
  function createInventory(values: Map<string, Uint8Array>): EntryInventory {
    const addresses = async (): Promise<CacheAddress[]> => {
      const found = await Promise.all([...values].map(([key, bytes]) => decodeEntry(bytes, key)));
      return found.filter((entry) => entry !== undefined);
    };
    return {
      async find(scope, { limit, cursor = "0" }) {
        const start = Number(cursor);
        const all = await addresses();
        const end = start + limit;
        const found = all.slice(start, end).filter((each) => isInScope(each, scope));
        // What is deleted moves the rest forward.
        return { found, expiresAt: NOW, cursor: end < all.length ? String(start) : undefined };
      },
      get: async ({ key }) => values.get(key),
      delete: async (all) => {
        for (const { key } of all) values.delete(key);
      },
    };
  }

  async function createFilled() {
    const [datacenter, kv] = [createMemoryTier("datacenter"), createMemoryTier("kv")];
    const harness = createHarness({ tiers: [datacenter, kv] });
    for (const [index, subject] of [SUBJECT, SUBJECT, OTHER, undefined].entries())
      await harness.request({
        input: `text ${index}`,
        client: "abc",
        id: `request-${index}`,
        ...(subject && { subject }),
      });
    await harness.settle();
    const store = createPredictionsData({
      cache: harness.store,
      inventory: createInventory(kv.values),
      usesDatacenter: true,
      decode: decodeEntry,
      now: () => NOW,
    });
    return { harness, datacenter, kv, store };
  }

  interface Erased {
    readonly erased: number;
    readonly remains: readonly unknown[];
  }

  async function eraseAll(
    store: Awaited<ReturnType<typeof createFilled>>["store"],
    kind: "key" | "subject" | "request",
    value: string,
  ): Promise<Erased> {
    let erased = 0;
    const remains: unknown[] = [];
    let cursor: string | undefined;
    do {
      const part: ErasedPage = await store.erase({ kind, value }, page(cursor));
      erased += part.erased;
      remains.push(...(part.remains ?? []));
      cursor = part.cursor;
    } while (cursor !== undefined);
    return { erased, remains };
  }

  test("of a subject leave memory and KV, and nothing of them remains elsewhere", async () => {
    const { harness, datacenter, kv, store } = await createFilled();
    const before = await store.export({ kind: "subject", value: SUBJECT }, page());
    expect(JSON.stringify(before.items)).toContain("text 0");
    expect(await eraseAll(store, "subject", SUBJECT)).toEqual({
      erased: 4,
      remains: [UNLISTED, UNLISTED],
    });
    expect([harness.store.usage().entries, kv.values.size, datacenter.values.size]).toEqual([
      2, 2, 1,
    ]);
  });

  test("of a key leave the Cache API of this data center too, and the receipt tells of others", async () => {
    const { harness, datacenter, kv, store } = await createFilled();
    const { erased, remains } = await eraseAll(store, "key", "abc");
    expect(erased).toBe(8);
    const elsewhere = expect.stringContaining("other data centers");
    expect(remains).toEqual([
      UNLISTED,
      UNLISTED,
      { what: elsewhere, until: new Date(NOW).toISOString() },
    ]);
    expect([harness.store.usage().entries, kv.values.size, datacenter.values.size]).toEqual([
      0, 0, 0,
    ]);
  });

  test("of a request are those that were computed for it", async () => {
    const { kv, store } = await createFilled();
    const { erased } = await eraseAll(store, "request", await requestHash("request-1"));
    expect([erased, kv.values.size]).toEqual([2, 3]);
  });

  test("without KV say that other isolates do not learn of it", async () => {
    const harness = createHarness();
    await harness.request({ client: "abc" });
    const store = createPredictionsData({
      cache: harness.store,
      inventory: undefined,
      usesDatacenter: false,
      decode: decodeEntry,
    });
    const { erased, remains } = await eraseAll(store, "key", "abc");
    expect(erased).toBe(1);
    expect(remains).toEqual([{ what: expect.stringContaining("without the binding CACHE") }]);
  });
});

describe("events", () => {
  const events: TelemetryEvent[] = [
    { ...HIT, requestId: "request-a", principal: "key:abc", subject: SUBJECT },
    { ...HIT, requestId: "request-2", principal: "key:abc" },
    { ...HIT, requestId: "request-3", principal: "anonymous", subject: OTHER },
    {
      event: "capture",
      schemaVersion: 3,
      time: HIT.time,
      requestId: "request-a",
      model: "iris",
      version: "1",
      outcome: "stored",
    },
    PURGE,
    { ...HIT, requestId: "request-4", principal: "token:0123" },
  ];

  function createFilled() {
    const log = createEventLog();
    for (const event of events) log.emit(event);
    return { log, store: createEventsData(log) };
  }

  const CASES: readonly (readonly [DataSelector["kind"], string, readonly number[]])[] = [
    ["subject", SUBJECT, [0, 3]],
    ["key", "abc", [0, 1, 3]],
    ["request", "request-3", [2]],
    ["key", "key:abc", []],
    ["key", "token:0123", [5]],
  ];

  test.each(CASES)("of a %s %s go, with those about the same requests", async (kind, of, gone) => {
    const { log, store } = createFilled();
    const value = kind === "request" ? await requestHash(of) : of;
    const erased = events.filter((_, index) => gone.includes(index));
    const left = events.filter((_, index) => !gone.includes(index));
    expect((await store.export({ kind, value }, page())).items).toEqual(erased);
    expect(await store.erase({ kind, value }, page())).toEqual({ erased: gone.length });
    expect(log.all()).toEqual(left);
  });

  test("that a reader has not read yet go as well", async () => {
    const { log, store } = createFilled();
    const reader = log.read({ follow: true, accepts: () => true });
    await reader.next();
    await store.erase({ kind: "subject", value: OTHER }, page());
    const rest: unknown[] = [];
    for (let count = 0; count < 4; count++) rest.push((await reader.next()).value);
    expect(rest).toEqual([events[1], events[3], events[4], events[5]]);
    await reader.return?.();
  });
});

test("an erased key remains in what the platform keeps for restorations, and that is told", async () => {
  const keys = createTestKeys();
  const { id: value } = await keys.create();
  const store = createKeysData(keys.authority, () => NOW);
  expect(await store.erase({ kind: "key", value }, page())).toEqual({
    erased: 2,
    remains: [
      {
        what: expect.stringContaining("restore"),
        until: new Date(NOW + 30 * 86_400_000).toISOString(),
      },
    ],
  });
  expect(await store.erase({ kind: "subject", value: SUBJECT }, page())).toEqual({ erased: 0 });
});

test("prefixes in isolates of models that did not reply are told, with the time when they are gone", async () => {
  const host = { dropKept: async () => ({ dropped: 2, unreached: 1 }) };
  expect(
    await createPrefixesData(host, () => NOW).erase({ kind: "key", value: "abc" }, page()),
  ).toEqual({
    erased: 2,
    remains: [
      { what: expect.stringContaining("1 isolates"), until: new Date(NOW + 600_000).toISOString() },
    ],
  });
});

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ObjectStore } from "../../../src/domain/object-store.ts";
import {
  createGarbageCollector,
  type GarbageCollector,
} from "../../../src/registry/collect-garbage.ts";
import { sweepGarbage } from "../../../src/registry/sweep-garbage.ts";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { createObjectInventory } from "../../../src/storage/object-inventory.ts";
import { createRoutingStore } from "../../../src/storage/routing-store.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { storedVersion } from "../../support/stored-version.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let objects: ObjectStore;
let map: Map<string, Uint8Array<ArrayBuffer>>;
let collector: GarbageCollector;
const resume = vi.fn(async () => 0);

beforeEach(() => {
  stubWorkersGlobals();
  vi.useFakeTimers({ toFake: ["Date"] });
  map = new Map();
  objects = createMemoryObjectStore(map);
  resume.mockClear();
  collector = create(objects);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function create(storage: ObjectStore): GarbageCollector {
  return createGarbageCollector({
    inventory: createObjectInventory(storage),
    routings: createRoutingStore(storage),
    deleter: { resume },
  });
}

async function put(key: string, ageMs: number, content: string | Uint8Array = key): Promise<void> {
  vi.setSystemTime(NOW - ageMs);
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  await objects.put(key, bytes);
  vi.setSystemTime(NOW);
}

async function publish(name: string, version: string, ageMs: number): Promise<void> {
  for (const [key, bytes] of await storedVersion({ name, version }, "0123456789abcdef", name))
    await put(key, ageMs, bytes);
}

const putRouting = (name: string, routing: object, ageMs = 0) =>
  put(`models/${name}/routing.json`, ageMs, JSON.stringify(routing));

const ROUTING = { schemaVersion: 1, revision: 0, aliases: {}, history: [] };

async function found(
  olderThanMs = DAY,
): Promise<[key: string, reason: string, isProtected: boolean][]> {
  const { orphans } = await collector.find({ olderThanMs });
  return orphans.map(({ key, reason, isProtected }) => [key, reason, isProtected]);
}

describe("an object", () => {
  beforeEach(async () => {
    await publish("m", "1", 2 * DAY);
    await putRouting("m", { ...ROUTING, deleted: {} }, 2 * DAY);
    await put("models/m/routing/1.json", 2 * DAY);
    // The reference profile and background rows, which no manifest lists.
    await put("models/m/1/~profile.json", 2 * DAY);
    await put("models/m/1/~background.json", 2 * DAY);
    await put("ready/0123", 2 * DAY);
    await put("other/m/1/file", 2 * DAY);
    await put("models/M/1/file", 2 * DAY);
    await put("models/m/01/file", 2 * DAY);
  });

  test("of a version, of a routing, or of another kind is no orphan", async () => {
    expect(await found(0)).toEqual([]);
  });

  test("that no manifest was put for is an orphan", async () => {
    await put("models/m/2/fedcba9876543210/model.onnx", 2 * DAY);
    await put("models/n/1/fedcba9876543210/model.onnx", HOUR);
    expect(await found()).toEqual([
      ["models/m/2/fedcba9876543210/model.onnx", "no-manifest", false],
      ["models/n/1/fedcba9876543210/model.onnx", "no-manifest", true],
    ]);
  });

  test("that the manifest does not list is an orphan, the signature of another manifest too", async () => {
    const others = ["~claim", "model.onnx", "x/~claim"].map((path) => `models/m/1/${path}`);
    const signature = `models/m/1/signatures/${"0".repeat(64)}.json`;
    for (const key of [...others, signature]) await put(key, 2 * DAY);
    expect((await found()).sort()).toEqual(
      [...others, signature].sort().map((key) => [key, "not-in-manifest", false]),
    );
  });

  test.each([
    ["is not JSON", "{nope"],
    ["is of another version", '{"name":"m","version":"2"}'],
  ])("of a version whose manifest %s is no orphan", async (_, text) => {
    await put("models/m/1/manifest.json", 2 * DAY, text);
    expect(await found()).toEqual([]);
  });

  test("that was uploaded is an orphan when nothing was uploaded for the version for long enough", async () => {
    for (const [version, ages] of [
      ["1", [3 * DAY, 2 * DAY]],
      ["2", [3 * DAY, HOUR]],
    ] as const)
      for (const [index, age] of ages.entries())
        await put(
          `uploads/u/${version}/model.onnx.parts/${"a".repeat(64)}-9/00000000000${index}`,
          age,
        );
    const { orphans } = await collector.find({ olderThanMs: DAY });
    expect(orphans.map(({ id, ageMs, isProtected }) => [id.version, ageMs, isProtected])).toEqual([
      ["1", 2 * DAY, false],
      ["1", 2 * DAY, false],
      ["2", HOUR, true],
      ["2", HOUR, true],
    ]);
  });

  test("of a version is protected for two hours, one that was uploaded as long as was asked for", async () => {
    await put("models/n/1/f/model.onnx", 2 * HOUR - 1);
    await put("models/n/2/f/model.onnx", 2 * HOUR);
    await put("uploads/n/1/model.onnx", 1);
    expect(await found(0)).toEqual([
      ["models/n/1/f/model.onnx", "no-manifest", true],
      ["models/n/2/f/model.onnx", "no-manifest", false],
      ["uploads/n/1/model.onnx", "upload", false],
    ]);
  });
});

describe("a deletion that was interrupted", () => {
  const tombstone = (ageMs: number) => ({
    deleted: { "1": { at: new Date(NOW - ageMs).toISOString(), by: "key:01234567" } },
  });

  test("is completed when it was long enough ago", async () => {
    await publish("m", "1", 9 * DAY);
    await putRouting("m", { ...ROUTING, ...tombstone(DAY) });
    const { removed } = await collector.collect({ olderThanMs: DAY });
    expect(removed.map(({ reason }) => reason)).toEqual(Array(3).fill("version-deleted"));
    expect(resume.mock.calls).toEqual([[{ name: "m", version: "1" }]]);
    // The deletion removes them.
    expect(map.has("models/m/1/manifest.json")).toBe(true);
  });

  test("is left alone while it may be running, or a publication that follows it", async () => {
    await publish("m", "1", 9 * DAY);
    await putRouting("m", { ...ROUTING, ...tombstone(HOUR) });
    await publish("n", "1", HOUR);
    await putRouting("n", { ...ROUTING, ...tombstone(9 * DAY) });
    expect((await found(0)).map(([, reason, isProtected]) => [reason, isProtected])).toEqual(
      Array(6).fill(["version-deleted", true]),
    );
    await collector.collect({ olderThanMs: 0 });
    expect(resume).not.toHaveBeenCalled();
  });
});

describe("collecting", () => {
  beforeEach(async () => {
    await publish("m", "1", 2 * DAY);
    for (const version of ["1", "2", "3"])
      await put(`models/m/${version}/f/model.onnx`, 2 * DAY, "four");
    await put("models/m/4/f/model.onnx", HOUR);
  });

  test("removes orphans that are old enough, and nothing else", async () => {
    const before = [...map.keys()];
    const { removed, failed, cursor } = await collector.collect({ olderThanMs: DAY });
    const keys = ["1", "2", "3"].map((version) => `models/m/${version}/f/model.onnx`);
    expect(removed.map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual(
      keys.map((key) => [key, 4]),
    );
    expect({ failed, cursor }).toEqual({ failed: [], cursor: undefined });
    expect([...map.keys()]).toEqual(before.filter((key) => !keys.includes(key)));
    expect((await collector.collect({ olderThanMs: DAY })).removed).toEqual([]);
  });

  test("removes of given keys those that are orphans", async () => {
    const keys = ["models/m/1/manifest.json", "models/m/2/f/model.onnx", "models/m/4/f/model.onnx"];
    const { removed } = await collector.collect({
      olderThanMs: DAY,
      keys: [...keys, "models/m/9/none", "routing.json"],
    });
    expect(removed.map(({ key }) => key)).toEqual(["models/m/2/f/model.onnx"]);
    expect(map.has("models/m/3/f/model.onnx")).toBe(true);
  });

  test("reports what could not be removed", async () => {
    const broken = create({ ...objects, delete: () => Promise.reject(new Error("down")) });
    const { removed, failed } = await broken.collect({ olderThanMs: DAY });
    expect(removed).toEqual([]);
    expect(failed.map(({ key, problem }) => [key, problem])).toEqual(
      ["1", "2", "3"].map((version) => [
        `models/m/${version}/f/model.onnx`,
        expect.stringContaining("could not be deleted"),
      ]),
    );
  });

  test("leaves a version alone of which storage does not say what it needs, and removes others", async () => {
    await publish("k", "1", 2 * DAY);
    await put("models/k/1/f/model.onnx", 2 * DAY);
    await put("models/k/routing.json", 2 * DAY, "{nope");
    const { removed, skipped } = await collector.collect({ olderThanMs: DAY });
    expect(removed).toHaveLength(3);
    expect(skipped).toEqual([
      { name: "k", version: "1", problem: expect.stringContaining("is not JSON") },
    ]);
  });
});

describe("pages", () => {
  test("end after 200 versions, and go on at the cursor", async () => {
    for (let version = 1; version <= 450; version++)
      await put(`models/m/${version}/f/model.onnx`, 2 * DAY);
    const keys: string[] = [];
    const pages: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await collector.find({ olderThanMs: DAY, cursor });
      keys.push(...page.orphans.map(({ key }) => key));
      pages.push(page.orphans.length);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(pages).toEqual([200, 200, 50]);
    expect(keys).toEqual([...map.keys()].sort());
  });

  test("of given keys have 200 versions, and name the others", async () => {
    for (let version = 1; version <= 202; version++)
      await put(`models/m/${version}/f/model.onnx`, 2 * DAY);
    const keys = [...map.keys()];
    const { removed, skipped } = await collector.collect({ olderThanMs: DAY, keys });
    expect(removed).toHaveLength(200);
    expect(skipped.map(({ version }) => version)).toEqual(["201", "202"]);
    expect(map.size).toBe(2);
  });

  test.each(["x", "models/", "models/m/routing.json", "ready/1/2"])(
    "refuse the cursor %s",
    async (cursor) => {
      await rejectedApiError("invalid_request", collector.find({ olderThanMs: DAY, cursor }));
    },
  );
});

describe("a sweep", () => {
  test("removes the orphans of a day ago, of uploads and of versions", async () => {
    for (const name of ["b", "k", "z"]) {
      await put(`models/${name}/1/f/model.onnx`, DAY, "four");
      await put(`uploads/${name}/1/model.onnx`, DAY, "four");
      await put(`uploads/${name}/2/model.onnx`, DAY - 1, "four");
    }
    expect(await sweepGarbage(collector, NOW)).toEqual({
      removed: 6,
      removedBytes: 24,
      failed: 0,
      skipped: 0,
      complete: true,
    });
    expect([...map.keys()]).toEqual(["b", "k", "z"].map((name) => `uploads/${name}/2/model.onnx`));
  });

  test("of more versions than one run looks at begins elsewhere the next day, until all were", async () => {
    for (const name of ["b", "k", "z"])
      for (let version = 1; version <= 300; version++)
        await put(`models/${name}/${version}/f/model.onnx`, 9 * DAY);
    const first = await sweepGarbage(collector, NOW);
    // It begins at letters after "k".
    expect(first).toMatchObject({ removed: 300, complete: false });
    for (let day = 1; day < 36; day++) await sweepGarbage(collector, NOW + day * DAY);
    expect(map.size).toBe(0);
  });
});

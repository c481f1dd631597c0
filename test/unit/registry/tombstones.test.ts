import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NO_ROUTING, type Routing, type Tombstone } from "../../../src/domain/routing.ts";
import { readRouting } from "../../../src/registry/routing/read-routing.ts";
import { createRoutingEditor } from "../../../src/registry/routing/routing-editor.ts";
import { createTombstones, type Tombstones } from "../../../src/registry/tombstones.ts";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { createModelStore } from "../../../src/storage/model-store.ts";
import { createRoutingStore } from "../../../src/storage/routing-store.ts";
import { catchApiError, rejectedApiError } from "../../support/errors.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const MINUTE = 60_000;
const DIGEST = "a".repeat(64);
const id = { name: "m", version: "3" };
const author = { by: "key:01234567" };
const ago = (milliseconds: number): string => new Date(NOW - milliseconds).toISOString();
const gone: Tombstone = {
  at: ago(90 * MINUTE),
  by: "key:0",
  filesDigest: DIGEST,
  removedAt: ago(0),
};

let objects: ReturnType<typeof createMemoryObjectStore>;
let tombstones: Tombstones;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  objects = createMemoryObjectStore();
  const store = { ...createModelStore(objects), ...createRoutingStore(objects) };
  tombstones = createTombstones(store, createRoutingEditor(store, { wait: async () => undefined }));
});
afterEach(() => void vi.useRealTimers());

const put = (key: string, value: unknown) =>
  objects.put(key, new TextEncoder().encode(JSON.stringify(value)));
const bury = (tombstone: Tombstone) =>
  put("models/m/routing.json", { ...NO_ROUTING, deleted: { "3": tombstone } } satisfies Routing);
const current = async () => (await readRouting(createRoutingStore(objects), "m")).routing;

describe("before a publication", () => {
  test("a number that was never deleted has no tombstone", async () => {
    expect(await tombstones.check(id, { force: false })).toBeUndefined();
    await bury(gone);
    expect(await tombstones.check({ ...id, version: "4" }, { force: false })).toBeUndefined();
  });

  test("a number whose objects are gone has its tombstone", async () => {
    await bury(gone);
    expect(await tombstones.check(id, { force: false })).toEqual(gone);
  });

  test("a number that is being deleted is refused, and the error says for how long", async () => {
    await bury({ ...gone, removing: [{ id: "r", at: ago(5 * MINUTE) }] });
    for (const force of [false, true]) {
      const error = await rejectedApiError("version_deleted", tombstones.check(id, { force }));
      expect(error.message).toContain("in 600 seconds");
    }
    await bury({ ...gone, removing: [{ id: "r", at: ago(15 * MINUTE) }] });
    expect(await tombstones.check(id, { force: false })).toMatchObject({ filesDigest: DIGEST });
  });

  test("a number whose deletion was interrupted is refused, and is to be deleted again", async () => {
    await bury({ at: gone.at, by: gone.by, filesDigest: DIGEST });
    await put("models/m/3/manifest.json", {});
    const error = await rejectedApiError("version_deleted", tombstones.check(id, { force: true }));
    expect(error.message).toContain("Delete it again first");
  });

  test("a number whose files are not known needs force", async () => {
    const { filesDigest: _, ...unknown } = gone;
    await bury(unknown);
    await rejectedApiError("version_deleted", tombstones.check(id, { force: false }));
    expect(await tombstones.check(id, { force: true })).toEqual(unknown);
  });

  test("other files need force", () => {
    const digest = "b".repeat(64);
    const check = (tombstone: Tombstone | undefined, found: string, force: boolean) => () =>
      tombstones.checkFiles(id, tombstone, { digest: found, force });
    expect(check(gone, DIGEST, false)).not.toThrow();
    expect(check(gone, digest, true)).not.toThrow();
    expect(check(undefined, digest, false)).not.toThrow();
    const error = catchApiError("version_deleted", check(gone, digest, false));
    expect(error.message).toContain("or use force");
  });
});

describe("the commit of a publication", () => {
  const commit = (tombstone: Tombstone | undefined, isWritten = true) =>
    tombstones.commit(id, { tombstone, author, isWritten: async () => isWritten });

  test("removes the tombstone that was seen, and is in the history", async () => {
    await bury(gone);
    await commit(gone);
    const { deleted, history } = await current();
    expect(deleted).toEqual({});
    expect(history).toMatchObject([
      {
        action: "publish",
        version: "3",
        tombstone: { at: gone.at, by: gone.by, filesDigest: DIGEST },
      },
    ]);
  });

  test("changes nothing for a number that was never deleted", async () => {
    await commit(undefined);
    expect(await current()).toEqual(NO_ROUTING);
  });

  test.each<[string, Tombstone]>([
    ["deleted", { ...gone, at: ago(0) }],
    ["deleted again, by somebody who has finished", { ...gone, removedAt: ago(-1) }],
    ["deleted again, by somebody who has not", { ...gone, removing: [{ id: "r", at: ago(0) }] }],
  ])("is refused when the version was %s meanwhile", async (_, found) => {
    await bury(found);
    await rejectedApiError("version_deleted", commit(gone));
    expect((await current()).deleted["3"]).toEqual(found);
  });

  test("is refused when the version was deleted that had no tombstone before", async () => {
    await bury(gone);
    await rejectedApiError("version_deleted", commit(undefined));
  });

  test("is refused when the manifest is another one by now", async () => {
    await bury(gone);
    await rejectedApiError("version_exists", commit(gone, false));
    expect((await current()).deleted["3"]).toEqual(gone);
  });
});

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Manifest } from "../../../src/domain/manifest.ts";
import type { ModelId } from "../../../src/domain/model-id.ts";
import type { ObjectStore } from "../../../src/domain/object-store.ts";
import { createVersionDeleter, type VersionDeleter } from "../../../src/registry/delete-version.ts";
import { readRouting } from "../../../src/registry/routing/read-routing.ts";
import {
  createRoutingEditor,
  type RoutingEditor,
} from "../../../src/registry/routing/routing-editor.ts";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { createModelStore } from "../../../src/storage/model-store.ts";
import { createObjectInventory } from "../../../src/storage/object-inventory.ts";
import { createRoutingStore } from "../../../src/storage/routing-store.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { storedVersion } from "../../support/stored-version.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

const author = { by: "key:01234567" };
const DELETED_AT = "2026-11-30T12:00:00.000Z";

let map: Map<string, Uint8Array<ArrayBuffer>>;
let objects: ObjectStore;
let editor: RoutingEditor;
let deleter: VersionDeleter;
let effects: {
  forget: ReturnType<typeof vi.fn<(id: ModelId, manifest: Manifest | undefined) => Promise<void>>>;
  purge: ReturnType<typeof vi.fn<(id: ModelId) => Promise<void>>>;
};

beforeEach(() => {
  stubWorkersGlobals();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(DELETED_AT) });
  map = new Map();
  objects = createMemoryObjectStore(map);
  effects = { forget: vi.fn(async () => undefined), purge: vi.fn(async () => undefined) };
  ({ editor, deleter } = create(objects));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function create(storage: ObjectStore): { editor: RoutingEditor; deleter: VersionDeleter } {
  const store = { ...createModelStore(storage), ...createRoutingStore(storage) };
  const wait = async (): Promise<void> => undefined;
  const changes = createRoutingEditor(store, { wait });
  const inventory = createObjectInventory(storage);
  return {
    editor: changes,
    deleter: createVersionDeleter({ inventory, store, editor: changes, effects, wait }),
  };
}

async function publish(version: string, folder: string, content: string): Promise<void> {
  for (const [key, bytes] of await storedVersion({ name: "m", version }, folder, content))
    map.set(key, bytes);
}

const routing = async () => (await readRouting(createRoutingStore(objects), "m")).routing;
const remove = (version: string, force = false) =>
  deleter.delete({ name: "m", version }, { force, author });
const route = (alias: string, ...versions: string[]) =>
  editor.change(
    "m",
    { action: "alias", alias, split: versions.map((version) => ({ version, weight: 1 })) },
    author,
  );

describe("deleting a version", () => {
  test("removes its objects, leaves those of others, and writes a tombstone", async () => {
    await publish("1", "aaaa", "one");
    await publish("2", "bbbb", "two");
    await publish("12", "cccc", "twelve");
    // Of a publication that is not complete.
    map.set("models/m/1/0123456789abcdef/model.onnx", Uint8Array.of(1));
    // Of nobody.
    map.set("models/m/1/notes.txt", Uint8Array.of(1));
    const { removedObjects, removedRoutes } = await remove("1");
    expect(removedRoutes).toEqual([]);
    expect([...map.keys()].sort()).toEqual([
      "models/m/1/0123456789abcdef/model.onnx",
      "models/m/12/cccc/labels.txt",
      "models/m/12/cccc/model.onnx",
      "models/m/12/manifest.json",
      "models/m/2/bbbb/labels.txt",
      "models/m/2/bbbb/model.onnx",
      "models/m/2/manifest.json",
      "models/m/routing.json",
    ]);
    expect(removedObjects).toBe(4);
    expect(await routing()).toMatchObject({
      revision: 1,
      deleted: {
        "1": {
          at: DELETED_AT,
          by: author.by,
          removedAt: DELETED_AT,
          filesDigest: expect.any(String),
        },
      },
      history: [{ revision: 1, action: "delete", version: "1", by: author.by }],
    });
    expect((await routing()).deleted["1"]).not.toHaveProperty("removing");
    expect(effects.forget).toHaveBeenCalledWith(
      { name: "m", version: "1" },
      expect.objectContaining({ version: "1" }),
    );
    expect(effects.purge).toHaveBeenCalledWith({ name: "m", version: "1" });
  });

  test("twice is not found, with the time of the deletion", async () => {
    await publish("1", "aaaa", "one");
    await remove("1");
    vi.setSystemTime(Date.parse(DELETED_AT) + 60_000);
    const error = await rejectedApiError("version_not_found", remove("1", true));
    expect(error.message).toContain(`was deleted at ${DELETED_AT}`);
  });

  test.each([
    ["no version of an unknown model", "1", "model_not_found", 'No model named "m"', []],
    ["no version of that number", "3", "version_not_found", "its versions are 2, 1", ["1", "2"]],
  ] as const)(
    "%s is not found, and writes nothing",
    async (_, version, code, message, versions) => {
      for (const each of versions) await publish(each, "aaaa", each);
      const before = [...map.keys()];
      const error = await rejectedApiError(code, remove(version));
      expect(error.message).toContain(message);
      expect([...map.keys()]).toEqual(before);
    },
  );

  test.each([
    ["is not JSON", "{nope"],
    ["is not valid", "[]"],
    ["is empty", ""],
    ["is of another version", `{"name":"m","version":"2"}`],
  ])("whose manifest %s removes every object of the version", async (_, text) => {
    await publish("1", "aaaa", "one");
    await publish("2", "bbbb", "two");
    map.set("models/m/1/manifest.json", new Uint8Array(Buffer.from(text)));
    await remove("1");
    expect([...map.keys()].filter((key) => key.startsWith("models/m/1/"))).toEqual([]);
    expect([...map.keys()].filter((key) => key.startsWith("models/m/2/"))).toHaveLength(3);
    expect((await routing()).deleted["1"]).toEqual({
      at: DELETED_AT,
      by: author.by,
      removedAt: DELETED_AT,
    });
  });
});

describe("a version that requests are routed to", () => {
  beforeEach(async () => {
    await publish("1", "aaaa", "one");
    await publish("2", "bbbb", "two");
    await route("production", "1", "2");
    await route("canary", "2");
    await route("default", "1");
    await editor.change(
      "m",
      { action: "shadow", alias: "default", shadow: { version: "2", sample: 0.5 } },
      author,
    );
  });

  test("is not deleted, and the aliases are named", async () => {
    const before = new Map(map);
    const error = await rejectedApiError("version_in_use", remove("2"));
    expect(error.details).toMatchObject({ aliases: ["production", "canary", "default"] });
    expect(map).toEqual(before);
    expect(effects.forget).not.toHaveBeenCalled();
  });

  test("is deleted with force, and the routes to it in the same change", async () => {
    const { removedRoutes } = await remove("2", true);
    const one = [{ version: "1", weight: 1 }];
    const two = [{ version: "2", weight: 1 }];
    expect(removedRoutes).toEqual([
      { alias: "production", from: { split: [...one, ...two] }, to: { split: one } },
      { alias: "canary", from: { split: two }, to: null },
      {
        alias: "default",
        from: { split: one, shadow: { version: "2", sample: 0.5 } },
        to: { split: one },
      },
    ]);
    const { aliases, history } = await routing();
    expect(aliases).toEqual({ production: { split: one }, default: { split: one } });
    expect(history.slice(4).map(({ revision, action }) => [revision, action])).toEqual([
      [5, "alias"],
      [6, "unalias"],
      [7, "alias"],
      [8, "delete"],
    ]);
  });

  test("is deleted without force when nothing is routed to it any more", async () => {
    for (const alias of ["production", "default"]) await route(alias, "1");
    await editor.change("m", { action: "unalias", alias: "canary" }, author);
    await editor.change("m", { action: "unshadow", alias: "default" }, author);
    await remove("2");
    expect(map.has("models/m/2/manifest.json")).toBe(false);
  });
});

describe("a deletion that was interrupted", () => {
  /** Fails from the given operation of this kind on, the others work. */
  function failing(operation: "delete" | "put", from: number): VersionDeleter {
    let count = 0;
    const storage: ObjectStore = {
      ...objects,
      [operation]: (...args: [never, never, never]) => {
        count += 1;
        if (count >= from) return Promise.reject(new Error("storage is down"));
        return (objects[operation] as (...all: unknown[]) => Promise<unknown>)(...args);
      },
    };
    return create(storage).deleter;
  }

  test.each([
    ["before any object was removed", "delete", 1],
    ["before the manifest was removed", "delete", 2],
    ["before it was noted as complete", "put", 2],
  ] as const)("%s is completed by deleting again", async (_, operation, from) => {
    await publish("1", "aaaa", "one");
    const broken = failing(operation, from);
    const id = { name: "m", version: "1" };
    await rejectedApiError("storage_failed", broken.delete(id, { force: false, author }));
    expect((await routing()).deleted["1"]).toMatchObject({ at: DELETED_AT });
    await remove("1");
    expect([...map.keys()]).toEqual(["models/m/routing.json"]);
    const { deleted, history } = await routing();
    expect(deleted["1"]).toMatchObject({ removedAt: DELETED_AT });
    expect(history).toHaveLength(1);
    await rejectedApiError("version_not_found", remove("1"));
  });

  test("while cached answers were purged is completed by deleting again, which purges them", async () => {
    await publish("1", "aaaa", "one");
    effects.purge.mockRejectedValueOnce(new Error("KV is down"));
    await expect(remove("1")).rejects.toThrow("KV is down");
    expect(map.has("models/m/1/manifest.json")).toBe(true);
    await remove("1");
    expect(effects.purge).toHaveBeenCalledTimes(2);
    expect([...map.keys()]).toEqual(["models/m/routing.json"]);
  });

  test("deletes nothing from a minute after it was registered on", async () => {
    await publish("1", "aaaa", "one");
    effects.purge.mockImplementationOnce(async () => {
      vi.setSystemTime(Date.parse(DELETED_AT) + 60_001);
    });
    const error = await rejectedApiError("storage_failed", remove("1"));
    expect(error.message).toContain("delete it again");
    expect(map.has("models/m/1/manifest.json")).toBe(true);
  });

  test("is resumed only for a version that was deleted", async () => {
    await publish("1", "aaaa", "one");
    expect(await deleter.resume({ name: "m", version: "1" })).toBe(0);
    expect(map.has("models/m/1/aaaa/model.onnx")).toBe(true);
    await rejectedApiError(
      "storage_failed",
      failing("delete", 1).delete({ name: "m", version: "1" }, { force: false, author }),
    );
    expect(await deleter.resume({ name: "m", version: "1" })).toBe(3);
    expect([...map.keys()]).toEqual(["models/m/routing.json"]);
  });
});

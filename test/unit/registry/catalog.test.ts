import { beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import type { ModelStore } from "../../../src/domain/ports.ts";
import { type Catalog, createCatalog } from "../../../src/registry/catalog.ts";
import { createMemoryModelStore } from "../../../src/storage/memory-model-store.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { manifestOf } from "../../support/memory-models.ts";

const TTL_SECONDS = 10;

/** Objects in storage, changed by the tests. */
let objects: Map<string, Uint8Array<ArrayBuffer>>;
let store: ModelStore;
let catalog: Catalog;
let nowMs: number;

beforeEach(() => {
  objects = new Map();
  nowMs = 0;
  const memory = createMemoryModelStore(objects);
  store = {
    ...memory,
    list: vi.fn(memory.list),
    listing: vi.fn(memory.listing),
    publication: vi.fn(memory.publication),
    routing: vi.fn(memory.routing),
  };
  catalog = createCatalog(store, { listingTtlSeconds: TTL_SECONDS, now: () => nowMs });
});

function put(name: string, version: string, manifest: unknown): void {
  const text = typeof manifest === "string" ? manifest : JSON.stringify(manifest);
  objects.set(`models/${name}/${version}/manifest.json`, new Uint8Array(Buffer.from(text)));
}

function publish(name: string, ...versions: string[]): void {
  for (const version of versions) put(name, version, manifestOf(name, version));
}

describe("resolving a version", () => {
  test("a name is resolved to the newest version, by number", async () => {
    publish("m", "1", "9", "10");
    const { name, version, versions, manifest } = await catalog.resolve("m");
    expect({ name, version, versions }).toEqual({
      name: "m",
      version: "10",
      versions: ["10", "9", "1"],
    });
    expect(manifest).toMatchObject({ name: "m", version: "10" });
  });

  test("a name with a version is resolved to that version", async () => {
    publish("m", "1", "2");
    expect(await catalog.resolve("m", "1")).toMatchObject({
      version: "1",
      manifest: { version: "1" },
    });
  });

  test.each([
    ["an unknown model", "n", undefined, "model_not_found", 'No model named "n"'],
    ["an unknown version", "m", "3", "version_not_found", "its versions are 2, 1"],
    ["an invalid name", "../m", undefined, "model_not_found", '"../m"'],
    ["an invalid version", "m", "latest", "version_not_found", '"latest"'],
  ] as const)("%s is not found", async (_, name, version, code, message) => {
    publish("m", "1", "2");
    const error = await rejectedApiError(code, catalog.resolve(name, version));
    expect(error.message).toContain(message);
  });

  test("invalid names and versions are refused without reading the store", async () => {
    await rejectedApiError("model_not_found", catalog.resolve("../m"));
    await rejectedApiError("version_not_found", catalog.resolve("m", "0"));
    expect(store.listing).not.toHaveBeenCalled();
  });
});

describe("the cache of the catalog", () => {
  test("a listing is used until its ttl has passed", async () => {
    publish("m", "1");
    await catalog.resolve("m");
    publish("m", "2");
    nowMs = TTL_SECONDS * 1000 - 1;
    expect(await catalog.resolve("m")).toMatchObject({ version: "1" });
    expect(store.listing).toHaveBeenCalledTimes(1);
    nowMs = TTL_SECONDS * 1000;
    expect(await catalog.resolve("m")).toMatchObject({ version: "2" });
  });

  test("a listing without the requested version is read again after a second", async () => {
    publish("m", "1");
    await catalog.resolve("m");
    publish("m", "2");
    nowMs = 999;
    await rejectedApiError("version_not_found", catalog.resolve("m", "2"));
    nowMs = 1000;
    expect(await catalog.resolve("m", "2")).toMatchObject({ version: "2" });
  });

  test("an unknown name is remembered until its ttl has passed", async () => {
    await rejectedApiError("model_not_found", catalog.resolve("m"));
    publish("m", "1");
    nowMs = TTL_SECONDS * 1000 - 1;
    await rejectedApiError("model_not_found", catalog.resolve("m"));
    await rejectedApiError("model_not_found", catalog.resolve("m", "1"));
    expect(store.listing).toHaveBeenCalledTimes(1);
    nowMs = TTL_SECONDS * 1000;
    expect(await catalog.resolve("m")).toMatchObject({ version: "1" });
  });

  test("an unknown model is found as soon as this isolate has published it", async () => {
    await rejectedApiError("model_not_found", catalog.resolve("m"));
    publish("m", "1");
    catalog.forget("m");
    expect(await catalog.resolve("m")).toMatchObject({ version: "1" });
  });

  test("without a ttl nothing unknown is remembered", async () => {
    const current = createCatalog(store, { listingTtlSeconds: 0 });
    await rejectedApiError("model_not_found", current.resolve("m"));
    publish("m", "1");
    expect(await current.resolve("m")).toMatchObject({ version: "1" });
  });

  test("any number of unknown names costs a bounded number of calls, and evicts no model", async () => {
    publish("m", "1");
    await catalog.resolve("m");
    for (let index = 0; index < 2500; index++)
      await rejectedApiError("model_not_found", catalog.resolve(`n${index}`));
    expect(store.listing).toHaveBeenCalledTimes(1 + 20);
    expect(store.list).toHaveBeenCalledTimes(1);
    await catalog.resolve("m");
    expect(store.listing).toHaveBeenCalledTimes(1 + 20);
    publish("new", "1");
    await rejectedApiError("model_not_found", catalog.resolve("new"));
    nowMs += TTL_SECONDS * 1000;
    expect(await catalog.resolve("new")).toMatchObject({ version: "1" });
  });

  test("a model is found for the first time while many names are unknown", async () => {
    publish("m", "1");
    for (let index = 0; index < 30; index++)
      await rejectedApiError("model_not_found", catalog.resolve(`n${index}`));
    expect(await catalog.resolve("m")).toMatchObject({ version: "1" });
    publish("published", "1");
    catalog.forget("published");
    expect(await catalog.resolve("published")).toMatchObject({ version: "1" });
  });

  test("concurrent unknown names list all models once", async () => {
    const resolveAll = (prefix: string): Promise<unknown> =>
      Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          rejectedApiError("model_not_found", catalog.resolve(`${prefix}${index}`)),
        ),
      );
    await resolveAll("a");
    await resolveAll("b");
    expect(store.list).toHaveBeenCalledTimes(1);
    await resolveAll("c");
    expect(store.listing).toHaveBeenCalledTimes(99);
  });

  test("an unknown version lists the store once", async () => {
    publish("m", "1");
    await rejectedApiError("version_not_found", catalog.resolve("m", "2"));
    expect(store.listing).toHaveBeenCalledTimes(1);
  });

  test("a manifest is read again only after its version was published again", async () => {
    publish("m", "1");
    const { manifest } = await catalog.resolve("m");
    nowMs = TTL_SECONDS * 1000;
    expect((await catalog.resolve("m")).manifest).toBe(manifest);
    expect(store.publication).toHaveBeenCalledTimes(1);
    put("m", "1", { ...manifestOf("m", "1"), description: "again" });
    nowMs = TTL_SECONDS * 2000;
    expect((await catalog.resolve("m")).manifest).toMatchObject({ description: "again" });
  });

  test("the least recently used listings are evicted", async () => {
    publish("first", "1");
    await catalog.resolve("first");
    for (let index = 0; index < 1000; index++) {
      publish(`m${index}`, "1");
      await catalog.resolve(`m${index}`);
    }
    const before = vi.mocked(store.listing).mock.calls.length;
    await catalog.resolve("m999");
    expect(store.listing).toHaveBeenCalledTimes(before);
    await catalog.resolve("first");
    expect(store.listing).toHaveBeenCalledTimes(before + 1);
  });

  test("forget drops a listing", async () => {
    publish("m", "1");
    await catalog.resolve("m");
    publish("m", "2");
    catalog.forget("m");
    expect(await catalog.resolve("m")).toMatchObject({ version: "2" });
  });
});

describe("an invalid manifest", () => {
  test.each([
    ["is not JSON", "{nope", "is not JSON"],
    ["is not a manifest", "{}", "is not valid"],
    ["belongs to another model", manifestOf("other", "1"), 'belongs to model "other" version 1'],
    ["belongs to another version", manifestOf("m", "2"), 'belongs to model "m" version 2'],
  ])("a manifest that %s fails its version until it is corrected", async (_, invalid, message) => {
    put("m", "1", invalid);
    const error = await rejectedApiError("model_corrupt", catalog.resolve("m"));
    expect(error.message).toContain(`The manifest of model "m" version 1 ${message}`);
    expect(error.details).toEqual({ model: "m", version: "1" });
    publish("m", "1");
    expect(await catalog.resolve("m")).toMatchObject({ version: "1" });
  });

  test("a manifest that was deleted after it was listed is no version of a new listing", async () => {
    publish("m", "1", "2");
    const listing = await store.listing("m");
    objects.delete("models/m/2/manifest.json");
    vi.mocked(store.listing).mockResolvedValueOnce(listing);
    expect(await catalog.resolve("m")).toMatchObject({ version: "1" });
    vi.mocked(store.listing).mockResolvedValueOnce(listing);
    catalog.forget("m");
    await rejectedApiError("version_not_found", catalog.resolve("m", "2"));
    vi.mocked(store.listing).mockResolvedValue(listing);
    catalog.forget("m");
    const error = await rejectedApiError("model_corrupt", catalog.resolve("m", "2"));
    expect(error.message).toContain("is missing from object storage");
  });
});

describe("a routing", () => {
  const tombstone = { at: "2026-11-30T00:00:00Z", by: "key:00000000" };
  const entry = { revision: 1, ...tombstone, action: "delete", version: "2", tombstone };
  const routing = {
    schemaVersion: 1,
    revision: 1,
    aliases: {},
    deleted: { "2": tombstone },
    history: [entry],
  };
  const putRouting = (text: string): void =>
    void objects.set("models/m/routing.json", new Uint8Array(Buffer.from(text)));

  test("that says that a version is deleted hides it, although its manifest is there", async () => {
    publish("m", "1", "2");
    putRouting(JSON.stringify(routing));
    const { version, versions } = await catalog.resolve("m");
    expect([version, versions]).toEqual(["1", ["1"]]);
    await rejectedApiError("version_not_found", catalog.resolve("m", "2"));
  });

  test("that hides every version leaves no model", async () => {
    publish("m", "2");
    putRouting(JSON.stringify(routing));
    await rejectedApiError("model_not_found", catalog.resolve("m"));
  });

  test("is read once as long as it is the same", async () => {
    publish("m", "1", "2");
    putRouting(JSON.stringify(routing));
    for (let time = 0; time < 3; time++) {
      await catalog.resolve("m");
      nowMs += TTL_SECONDS * 1000;
    }
    expect(store.listing).toHaveBeenCalledTimes(3);
    expect(store.routing).toHaveBeenCalledTimes(1);
  });

  test("that is not valid leaves the versions, but those known to be deleted", async () => {
    publish("m", "1", "2");
    putRouting(JSON.stringify(routing));
    await catalog.resolve("m");
    putRouting("{nope");
    nowMs += TTL_SECONDS * 1000;
    const known = await catalog.find("m");
    expect(known.routing).toMatchObject({ code: "routing_corrupt" });
    expect(known.versions).toEqual(["1"]);
  });

  test("that storage fails to return is read again after a second", async () => {
    publish("m", "1");
    putRouting(JSON.stringify(routing));
    const failure = new ApiError("storage_failed", "no");
    vi.mocked(store.routing).mockRejectedValueOnce(failure);
    // Nothing is known of deleted versions.
    await rejectedApiError("storage_failed", catalog.resolve("m", "1"));
    await catalog.resolve("m", "1");
    putRouting(JSON.stringify({ ...routing, history: [{ ...entry, note: "other" }] }));
    nowMs += TTL_SECONDS * 1000;
    vi.mocked(store.routing).mockRejectedValueOnce(failure);
    expect((await catalog.find("m")).routing).toBe(failure);
    expect(await catalog.resolve("m", "1")).toMatchObject({ version: "1" });
    nowMs += 1000;
    expect((await catalog.find("m")).routing).toMatchObject({ revision: 1 });
  });

  test("that changes while a model is listed is never older than its versions", async () => {
    publish("m", "1");
    const listing = await store.listing("m");
    publish("m", "2", "3");
    const route = { split: [{ version: "3", weight: 1 }] };
    const change = {
      revision: 1,
      at: tombstone.at,
      by: "k",
      action: "alias",
      alias: "a",
      to: route,
    };
    putRouting(
      JSON.stringify({ ...routing, aliases: { a: route }, deleted: {}, history: [change] }),
    );
    vi.mocked(store.listing).mockResolvedValueOnce({ ...listing, routingEtag: "older" });
    expect((await catalog.find("m")).versions).toEqual(["3", "2", "1"]);
  });

  test("and versions that were read before a change of this isolate are not kept", async () => {
    publish("m", "1");
    const old = await store.listing("m");
    const { promise, resolve } = Promise.withResolvers<typeof old>();
    vi.mocked(store.listing).mockReturnValueOnce(promise);
    const before = catalog.find("m");
    publish("m", "2");
    catalog.forget("m");
    resolve(old);
    expect((await before).versions).toEqual(["1"]);
    expect((await catalog.find("m")).versions).toEqual(["2", "1"]);
  });
});

describe("recall", () => {
  test("recall returns a resolved version while the listing is fresh", async () => {
    publish("m", "1", "2");
    expect(catalog.recall("m")).toBeUndefined();
    const newest = await catalog.resolve("m");
    expect(catalog.recall("m")).toBe(newest);
    expect(catalog.recall("m", "2")).toBe(newest);
    expect(catalog.recall("m", "1")).toBeUndefined();
    const first = await catalog.resolve("m", "1");
    expect([catalog.recall("m", "1"), catalog.recall("m")]).toEqual([first, newest]);
    nowMs += TTL_SECONDS * 1000;
    expect(catalog.recall("m")).toBeUndefined();
  });

  test("recall returns neither a dropped version nor an older one than the newest", async () => {
    publish("m", "1");
    await catalog.resolve("m");
    catalog.forget("m");
    expect(catalog.recall("m")).toBeUndefined();
    await catalog.resolve("m");
    publish("m", "2");
    nowMs += TTL_SECONDS * 1000;
    await catalog.resolve("m", "1");
    // Version 2 is listed, and its manifest has not been read.
    expect(catalog.recall("m")).toBeUndefined();
    expect(await catalog.resolve("m")).toMatchObject({ version: "2" });
  });
});

describe("the list of all versions", () => {
  test("the list is sorted, and read from storage once in its ttl", async () => {
    publish("b", "10", "9");
    publish("a", "1");
    const ids = async (): Promise<string[]> =>
      (await catalog.list()).map(({ name, version }) => `${name}/${version}`);
    expect(await ids()).toEqual(["a/1", "b/9", "b/10"]);
    publish("c", "1");
    nowMs = TTL_SECONDS * 1000 - 1;
    expect(await ids()).toEqual(["a/1", "b/9", "b/10"]);
    expect(store.list).toHaveBeenCalledTimes(1);
    catalog.forget("c");
    expect(await ids()).toEqual(["a/1", "b/9", "b/10", "c/1"]);
    expect(store.publication).not.toHaveBeenCalled();
  });

  test("a list that was read before a change is not kept", async () => {
    const { promise, resolve } = Promise.withResolvers<[]>();
    vi.mocked(store.list).mockReturnValueOnce(promise);
    const before = catalog.list();
    publish("a", "1");
    catalog.forget("a");
    resolve([]);
    expect(await before).toEqual([]);
    expect(await catalog.list()).toMatchObject([{ name: "a" }]);
  });

  test("a list too long to be kept is read each time, and not for unknown names", async () => {
    const long = Array.from({ length: 20_001 }, (_, index) => ({
      name: `m${index}`,
      version: "1",
      revision: "",
      publishedAt: 0,
    }));
    vi.mocked(store.list).mockResolvedValue(long);
    expect(await catalog.list()).toHaveLength(20_001);
    expect(await catalog.list()).toHaveLength(20_001);
    expect(store.list).toHaveBeenCalledTimes(2);
    for (let index = 0; index < 40; index++)
      await rejectedApiError("model_not_found", catalog.resolve(`n${index}`));
    expect(store.list).toHaveBeenCalledTimes(3);
  });
});

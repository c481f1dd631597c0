import { expect, test, vi } from "vitest";
import type { ModelStore } from "../../../src/domain/ports.ts";
import { createCatalog } from "../../../src/registry/catalog.ts";
import { createManifestSurvey, MAX_READS } from "../../../src/registry/manifest-survey.ts";
import { createRepository } from "../../../src/registry/repository.ts";
import { createMemoryModelStore } from "../../../src/storage/memory-model-store.ts";

/** Lists of thousands of models, with the calls of storage counted. */

const COUNT = 3000;

function manifestOf(name: string): string {
  return JSON.stringify({
    schemaVersion: 1,
    name,
    version: "1",
    format: "onnx",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1 }],
    inputs: [],
    outputs: [{ name: "y", datatype: "FP32", shape: [1] }],
    createdAt: "2026-11-22T00:00:00Z",
  });
}

function create(corrupt: readonly string[], count = COUNT) {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const put = (name: string, text: string): void =>
    void objects.set(`models/${name}/1/manifest.json`, new Uint8Array(Buffer.from(text)));
  const names = Array.from({ length: count }, (_, index) => `m${String(index).padStart(5, "0")}`);
  for (const name of names) put(name, corrupt.includes(name) ? "{nope" : manifestOf(name));
  const memory = createMemoryModelStore(objects);
  const store = {
    ...memory,
    list: vi.fn(memory.list),
    versions: vi.fn(memory.versions),
    manifest: vi.fn(memory.manifest),
    publication: vi.fn(memory.publication),
  } satisfies ModelStore;
  const catalog = createCatalog(store, { listingTtlSeconds: 10 });
  const host = {
    state: async () => ({ state: "absent" }) as const,
    unload: async () => false,
  };
  const repository = createRepository(catalog, host, createManifestSurvey(catalog, store));
  return { store, catalog, put, names, repository };
}

test("an index of 3,000 models has each, after one listing and a bounded number of manifests", async () => {
  const { store, repository, names } = create(["m00007"]);
  const index = await repository.index();
  expect(index.map(({ id }) => id.name)).toEqual(names);
  expect(index[7]?.state).toMatchObject({ state: "failed", error: { code: "model_corrupt" } });
  expect(index.filter(({ state }) => state.state === "absent")).toHaveLength(COUNT - 1);
  expect(store.list).toHaveBeenCalledTimes(1);
  expect(store.versions).not.toHaveBeenCalled();
  expect(store.manifest).toHaveBeenCalledTimes(MAX_READS);
});

test("further indexes read the other manifests, each once, and find every invalid one", async () => {
  const { store, repository } = create(["m00007", "m02999"]);
  let index = await repository.index();
  for (let call = 1; call < COUNT / MAX_READS; call++) index = await repository.index();
  expect(store.manifest).toHaveBeenCalledTimes(COUNT);
  const failed = (entries: typeof index): string[] =>
    entries.filter(({ state }) => state.state === "failed").map(({ id }) => id.name);
  expect(failed(index)).toEqual(["m00007", "m02999"]);
  expect(failed(await repository.index())).toEqual(["m00007", "m02999"]);
  expect(store.manifest).toHaveBeenCalledTimes(COUNT);
});

test("an index does not evict the manifests in use from the catalog's cache", async () => {
  const { store, catalog, repository } = create([]);
  const { manifest } = await catalog.resolve("m02500");
  for (let call = 0; call < COUNT / MAX_READS; call++) await repository.index();
  catalog.forget("m02500");
  expect((await catalog.resolve("m02500")).manifest).toBe(manifest);
  expect(store.publication).toHaveBeenCalledTimes(1);
  expect(store.manifest).toHaveBeenCalledTimes(COUNT - 1);
});

test("a list of 3,000 models has each, with its time of creation once its manifest was read", async () => {
  const { store, repository, names } = create(["m00007"]);
  const list = await repository.newest();
  expect(list.map(({ name }) => name)).toEqual(names);
  const CREATED = Date.parse("2026-11-22T00:00:00Z");
  expect(list.filter(({ createdAt }) => createdAt === CREATED)).toHaveLength(MAX_READS - 1);
  expect(store.list).toHaveBeenCalledTimes(1);
  expect(store.manifest).toHaveBeenCalledTimes(MAX_READS);
});

test("a manifest that could not be read because storage failed is read again", async () => {
  const { store, repository } = create([], 2);
  const failure = new Error("outage");
  store.manifest.mockRejectedValueOnce(failure);
  expect((await repository.index())[0]?.state).toEqual({ state: "failed", error: failure });
  expect((await repository.index())[0]?.state).toEqual({ state: "absent" });
});

test("an invalid manifest that was corrected is read again", async () => {
  const { catalog, repository, put } = create(["m00001"], 2);
  expect((await repository.index())[1]?.state).toMatchObject({ state: "failed" });
  put("m00001", manifestOf("m00001"));
  catalog.forget("m00001");
  expect((await repository.index())[1]?.state).toEqual({ state: "absent" });
});

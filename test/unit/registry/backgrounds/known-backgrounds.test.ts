import { beforeEach, expect, test } from "vitest";
import type { Background } from "../../../../src/domain/explanation/background.ts";
import { createBackgroundReader } from "../../../../src/registry/backgrounds/known-backgrounds.ts";
import { type Catalog, createCatalog } from "../../../../src/registry/catalog.ts";
import { createBackgroundStore } from "../../../../src/storage/background-store.ts";
import { createObjectInventory } from "../../../../src/storage/object-inventory.ts";
import { createMemoryModels } from "../../../support/memory-models.ts";

const ID = { name: "m", version: "2" };
const KEY = "models/m/2/~background.json";
const ROWS = [{ x: 1, y: "a" }, [2, "b"]];

let models: ReturnType<typeof createMemoryModels>;
let catalog: Catalog;
let reads: number;

const backgroundOf = (inputs: readonly unknown[], changes: object = {}): Background => ({
  schemaVersion: 1,
  model: "m",
  version: "2",
  modelSha256: "a".repeat(64),
  createdAt: "2026-12-01T12:00:00Z",
  inputs,
  ...changes,
});

function createReader() {
  const store = createBackgroundStore(models.objects);
  const reader = createBackgroundReader({
    read: (id) => {
      reads += 1;
      return store.read(id);
    },
  });
  return async (version?: string) => reader.read(await catalog.resolve("m", version));
}

beforeEach(() => {
  reads = 0;
  models = createMemoryModels();
  models.publish("m", "1", "2");
  catalog = createCatalog(models.store, { listingTtlSeconds: 0 });
});

test("rows of a version are read once, until they are replaced", async () => {
  const store = createBackgroundStore(models.objects);
  await store.write(ID, backgroundOf(ROWS));
  const read = createReader();
  // SHA-256 of the rows as canonical JSON, by sha256sum.
  const expected = { inputs: ROWS, digest: "4595444d73ac15d6441eaf73e3578676" };
  for (let i = 0; i < 3; i++) expect(await read()).toEqual(expected);
  expect(reads).toBe(1);
  await store.write(ID, backgroundOf([ROWS[1]]));
  const changed = await read();
  expect(changed?.inputs).toEqual([ROWS[1]]);
  expect(changed?.digest).not.toBe(expected.digest);
  expect(reads).toBe(2);
});

test("a version without rows costs no read", async () => {
  await createBackgroundStore(models.objects).write(ID, backgroundOf(ROWS));
  expect(await createReader()("1")).toBeUndefined();
  expect(reads).toBe(0);
});

test("what are no rows of the version are none, and read once", async () => {
  const store = createBackgroundStore(models.objects);
  const wrong = [
    {},
    backgroundOf([]),
    backgroundOf(ROWS, { version: "1" }),
    backgroundOf(ROWS, { modelSha256: "b".repeat(64) }),
    backgroundOf(Array.from({ length: 1001 }, () => [1])),
    backgroundOf(["x".repeat(2 * 1024 * 1024)]),
  ];
  for (const [index, value] of wrong.entries()) {
    await store.write(ID, value);
    const read = createReader();
    expect(await read()).toBeUndefined();
    expect(await read()).toBeUndefined();
    expect(reads).toBe(index + 1);
  }
});

test("rows of many versions are kept in a few megabytes", async () => {
  const large = "x".repeat(1000 * 1024);
  const names = ["1", "2", "3", "4", "5"];
  models.publish("m", "3", "4", "5");
  const store = createBackgroundStore(models.objects);
  for (const version of names)
    await store.write({ name: "m", version }, backgroundOf([large], { version }));
  const read = createReader();
  for (const version of names) expect((await read(version))?.inputs).toEqual([large]);
  await read("5");
  expect(reads).toBe(5);
  await read("1");
  expect(reads).toBe(6);
});

test("rows are an object of their version, which is deleted with it and no garbage", async () => {
  await createBackgroundStore(models.objects).write(ID, backgroundOf(ROWS));
  const inventory = createObjectInventory(models.objects);
  const { manifest } = await catalog.resolve("m", "2");
  expect(await inventory.keysOf(ID, { manifest, text: "" })).toContain(KEY);
  expect(inventory.groupOf(KEY)).toEqual({ area: "version", id: ID });
  expect(inventory.publicationOf(KEY)).toBeUndefined();
});

import { beforeEach, expect, test } from "vitest";
import type { Background } from "../../../../src/domain/explanation/background.ts";
import {
  type BackgroundAdministration,
  createBackgroundAdministration,
} from "../../../../src/registry/backgrounds/background-administration.ts";
import { createBackgroundReader } from "../../../../src/registry/backgrounds/known-backgrounds.ts";
import { type Catalog, createCatalog } from "../../../../src/registry/catalog.ts";
import { createBackgroundStore } from "../../../../src/storage/background-store.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { createMemoryModels } from "../../../support/memory-models.ts";

const ID = { name: "m", version: "2" };
const KEY = "models/m/2/~background.json";

let models: ReturnType<typeof createMemoryModels>;
let catalog: Catalog;
let backgrounds: BackgroundAdministration;

const backgroundOf = (inputs: readonly unknown[]): Background => ({
  schemaVersion: 1,
  model: "m",
  version: "2",
  modelSha256: "a".repeat(64),
  createdAt: "2026-12-01T12:00:00Z",
  inputs,
});

beforeEach(() => {
  models = createMemoryModels();
  models.publish("m", "1", "2");
  // Rows that were set are seen although listings stay fresh.
  catalog = createCatalog(models.store, { listingTtlSeconds: 60 });
  backgrounds = createBackgroundAdministration(createBackgroundStore(models.objects), catalog);
});

test("rows are stored, replaced and deleted, and explanations see each change at once", async () => {
  const reader = createBackgroundReader(createBackgroundStore(models.objects));
  const read = async () => (await reader.read(await catalog.resolve("m")))?.inputs;
  expect(await read()).toBeUndefined();
  const first = await backgrounds.put(ID, backgroundOf([[1]]));
  expect(first.before).toBeUndefined();
  expect(await read()).toEqual([[1]]);
  const second = await backgrounds.put(ID, backgroundOf([[2], [3]]));
  expect(second.before).toBe(first.digest);
  expect(await read()).toEqual([[2], [3]]);
  expect(await backgrounds.get(ID)).toEqual({
    background: backgroundOf([[2], [3]]),
    digest: second.digest,
  });
  expect(await backgrounds.delete(ID)).toEqual({ before: second.digest });
  expect(models.bytes.has(KEY)).toBe(false);
  expect(await read()).toBeUndefined();
  await rejectedApiError("background_not_found", backgrounds.get(ID));
  await rejectedApiError("background_not_found", backgrounds.delete(ID));
});

test("rows of another version or of another model file are refused", async () => {
  for (const wrong of [{ version: "1" }, { model: "n" }, { modelSha256: "b".repeat(64) }]) {
    const { message } = await rejectedApiError(
      "invalid_request",
      backgrounds.put(ID, { ...backgroundOf([[1]]), ...wrong }),
    );
    expect(message).toContain("a".repeat(64));
  }
  expect(models.bytes.has(KEY)).toBe(false);
});

test("rows of more than 1 MiB are refused", async () => {
  const rows = Array.from({ length: 1000 }, () => "é".repeat(600));
  const { message } = await rejectedApiError(
    "invalid_request",
    backgrounds.put(ID, backgroundOf(rows)),
  );
  expect(message).toContain("1048576");
  expect(models.bytes.has(KEY)).toBe(false);
});

test("rows that are not valid are said to be so, and can be deleted", async () => {
  models.bytes.set(KEY, new Uint8Array(Buffer.from("{nope")));
  const { message } = await rejectedApiError("background_not_found", backgrounds.get(ID));
  expect(message).toContain("not valid");
  expect(await backgrounds.delete(ID)).toEqual({ before: undefined });
});

test("rows of a version that is deleted meanwhile are not left behind", async () => {
  const store = createBackgroundStore(models.objects);
  const racing = createBackgroundAdministration(
    {
      ...store,
      write: async (id, value) => {
        models.bytes.delete("models/m/2/manifest.json");
        return store.write(id, value);
      },
    },
    catalog,
  );
  await rejectedApiError("version_not_found", racing.put(ID, backgroundOf([[1]])));
  expect(models.bytes.has(KEY)).toBe(false);
});

test("rows of an unknown version are refused", async () => {
  const id = { name: "m", version: "7" };
  await rejectedApiError("version_not_found", backgrounds.put(id, backgroundOf([[1]])));
  await rejectedApiError("version_not_found", backgrounds.get(id));
});

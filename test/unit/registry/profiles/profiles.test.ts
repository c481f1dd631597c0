import { beforeEach, describe, expect, test } from "vitest";
import { toNumericReference } from "../../../../src/domain/monitoring/reference-feature.ts";
import {
  MAX_CATEGORIES,
  profileDigest,
  type ReferenceProfile,
  referenceProfileSchema,
} from "../../../../src/domain/monitoring/reference-profile.ts";
import { type Catalog, createCatalog } from "../../../../src/registry/catalog.ts";
import { createKnownProfiles } from "../../../../src/registry/profiles/known-profiles.ts";
import {
  createProfileAdministration,
  type ProfileAdministration,
} from "../../../../src/registry/profiles/profile-administration.ts";
import { createObjectInventory } from "../../../../src/storage/object-inventory.ts";
import { createProfileStore } from "../../../../src/storage/profile-store.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { createMemoryModels } from "../../../support/memory-models.ts";

const ID = { name: "m", version: "2" };
const KEY = "models/m/2/~profile.json";

let models: ReturnType<typeof createMemoryModels>;
let catalog: Catalog;
let profiles: ProfileAdministration;
let reads: number;

const profileOf = (numbers: readonly number[]): ReferenceProfile => ({
  schemaVersion: 1,
  model: "m",
  version: "2",
  modelSha256: "a".repeat(64),
  rows: numbers.length,
  createdAt: "2026-11-30T12:00:00Z",
  inputs: [toNumericReference("x", numbers)],
  outputs: [],
});

function createCatalogOf() {
  const store = createProfileStore(models.objects);
  const readProfile = createKnownProfiles({
    read: (id) => {
      reads += 1;
      return store.read(id);
    },
  });
  return createCatalog(models.store, { listingTtlSeconds: 0, readProfile });
}

beforeEach(() => {
  reads = 0;
  models = createMemoryModels();
  models.publish("m", "1", "2");
  catalog = createCatalogOf();
  profiles = createProfileAdministration(createProfileStore(models.objects), catalog);
});

describe("a profile that is stored", () => {
  test("is that of its version, also in other isolates, and read once", async () => {
    const profile = profileOf([1, 2, 3]);
    const { digest, before } = await profiles.put(ID, profile);
    expect(before).toBeUndefined();
    expect(await profiles.get(ID)).toEqual({ profile, digest });
    const other = createCatalogOf();
    reads = 0;
    for (let i = 0; i < 3; i++)
      expect((await other.resolve("m")).profile).toEqual({ profile, digest });
    expect(reads).toBe(1);
    expect((await other.resolve("m", "1")).profile).toBeUndefined();
    expect(reads).toBe(1);
  });

  test("is replaced by another one, with another digest", async () => {
    const first = await profiles.put(ID, profileOf([1, 2, 3]));
    expect((await catalog.resolve("m")).profile?.digest).toBe(first.digest);
    const second = await profiles.put(ID, profileOf([4, 5, 6]));
    expect(second.before).toBe(first.digest);
    expect((await catalog.resolve("m")).profile?.digest).toBe(second.digest);
  });

  test("is gone when it is deleted", async () => {
    const { digest } = await profiles.put(ID, profileOf([1]));
    expect(await profiles.delete(ID)).toEqual({ before: digest });
    expect(models.bytes.has(KEY)).toBe(false);
    expect((await catalog.resolve("m")).profile).toBeUndefined();
    await rejectedApiError("profile_not_found", profiles.get(ID));
    await rejectedApiError("profile_not_found", profiles.delete(ID));
  });

  test("is one of the objects of its version, which are deleted with it and no garbage", async () => {
    const inventory = createObjectInventory(models.objects);
    const { manifest } = await catalog.resolve("m", "2");
    expect(await inventory.keysOf(ID, { manifest, text: "" })).toContain(KEY);
    expect(inventory.groupOf(KEY)).toEqual({ area: "version", id: ID });
    expect(inventory.publicationOf(KEY)).toBeUndefined();
  });
});

test("a profile of another version or of another model file is refused", async () => {
  for (const wrong of [{ version: "1" }, { model: "n" }, { modelSha256: "b".repeat(64) }]) {
    const { message } = await rejectedApiError(
      "invalid_request",
      profiles.put(ID, { ...profileOf([1]), ...wrong }),
    );
    expect(message).toContain("a".repeat(64));
  }
  expect(models.bytes.has(KEY)).toBe(false);
});

test("a profile that is larger than its limit is refused", async () => {
  const categories = Array.from({ length: MAX_CATEGORIES }, (_, i) => `${i}-${"x".repeat(190)}`);
  const counts = new Array<number>(MAX_CATEGORIES + 1).fill(0);
  const inputs = ["a", "b", "c"].map(
    (name) => ({ name, kind: "category", count: 0, missing: 0, categories, counts }) as const,
  );
  const profile = { ...profileOf([1]), inputs };
  expect(referenceProfileSchema.safeParse(profile).success).toBe(true);
  const { message } = await rejectedApiError("invalid_request", profiles.put(ID, profile));
  expect(message).toContain("524288");
});

test.each([
  ["that is no JSON", "{"],
  ["that is not valid", "{}"],
  [
    "of a model file that was replaced",
    JSON.stringify({ ...profileOf([1]), modelSha256: "b".repeat(64) }),
  ],
])("with a stored profile %s requests are answered without one", async (_, text) => {
  models.bytes.set(KEY, new Uint8Array(Buffer.from(text)));
  const resolved = await catalog.resolve("m");
  expect(resolved.version).toBe("2");
  expect(resolved.profile).toBeUndefined();
  await catalog.resolve("m");
  expect(reads).toBe(1);
  const { message } = await rejectedApiError("profile_not_found", profiles.get(ID));
  expect(message).toContain("not valid");
});

test("when storage fails to return a profile, requests are answered without one, and it is read again", async () => {
  const { digest } = await profiles.put(ID, profileOf([1]));
  let isDown = true;
  const store = createProfileStore(models.objects);
  const readProfile = createKnownProfiles({
    read: (id) => (isDown ? Promise.reject(new Error("down")) : store.read(id)),
  });
  const other = createCatalog(models.store, { listingTtlSeconds: 0, readProfile });
  expect((await other.resolve("m")).profile).toBeUndefined();
  isDown = false;
  expect((await other.resolve("m")).profile?.digest).toBe(digest);
});

test("a profile that is written while its version is deleted is removed", async () => {
  const store = createProfileStore(models.objects);
  const racing = createProfileAdministration(
    {
      ...store,
      write: async (id, value) => {
        models.bytes.delete("models/m/2/manifest.json");
        return store.write(id, value);
      },
    },
    catalog,
  );
  await rejectedApiError("version_not_found", racing.put(ID, profileOf([1])));
  expect(models.bytes.has(KEY)).toBe(false);
});

test("the digest depends on bins and counts, and not on the time", async () => {
  const profile = profileOf([1, 2]);
  const digest = await profileDigest(profile);
  expect(await profileDigest({ ...profile, createdAt: "2027-01-01T00:00:00Z" })).toBe(digest);
  expect(await profileDigest(profileOf([1, 3]))).not.toBe(digest);
});

test.each([
  ["edges that do not ascend", { edges: [2, 1], counts: [0, 1, 0] }, "ascend"],
  ["too few counts", { edges: [1, 2], counts: [1] }, "one more"],
  ["counts that do not add up", { edges: [1], counts: [1, 1] }, "add up"],
])("a profile with %s is not valid", (_, change, message) => {
  const inputs = [{ ...toNumericReference("x", [1]), ...change }];
  const { error } = referenceProfileSchema.safeParse({ ...profileOf([1]), inputs });
  expect(error?.message).toContain(message);
});

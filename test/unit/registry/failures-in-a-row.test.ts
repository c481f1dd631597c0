import { describe, expect, test, vi } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import { createCatalog } from "../../../src/registry/catalog.ts";
import { createGarbageCollector } from "../../../src/registry/collect-garbage.ts";
import { createManifestSurvey } from "../../../src/registry/manifest-survey.ts";
import { createModelInspector } from "../../../src/registry/model-inspector.ts";
import { createObjectInventory } from "../../../src/storage/object-inventory.ts";
import { createMemoryModels } from "../../support/memory-models.ts";

/** Storage whose lists are right, and whose reads fail, as they do after seconds when storage does not answer. */

const VERSIONS = Array.from({ length: 30 }, (_, index) => `${index + 1}`);
/** Six at once, of which the third makes all end. */
const MOST_READS = 8;

function createFailing() {
  const models = createMemoryModels();
  models.publish("m", ...VERSIONS);
  const get = vi.spyOn(models.objects, "get").mockRejectedValue(new Error("no answer"));
  return { ...models, get };
}

describe("a list stops reading when storage fails again and again", () => {
  test("of all models", async () => {
    const { store, get } = createFailing();
    const catalog = createCatalog(store, { listingTtlSeconds: 10 });
    const facts = await createManifestSurvey(catalog, store)(await store.list());
    expect(get.mock.calls.length).toBeLessThanOrEqual(MOST_READS);
    expect(facts).toHaveLength(VERSIONS.length);
    expect(facts[0]).toMatchObject({ error: expect.any(ApiError) });
    expect(facts.at(-1)).toBeUndefined();
  });

  test("of the versions of a model", async () => {
    const { store, get } = createFailing();
    const catalog = createCatalog(store, { listingTtlSeconds: 10 });
    const versions = await createModelInspector(store, catalog).versions("m");
    expect(get.mock.calls.length).toBeLessThanOrEqual(MOST_READS);
    expect(versions.map(({ version }) => version)).toEqual([...VERSIONS].reverse());
    expect(versions.every(({ problem }) => problem !== undefined)).toBe(true);
  });

  test("of garbage, and goes on where it has ended", async () => {
    const { objects, routings, get } = createFailing();
    const inventory = createObjectInventory(objects);
    const collector = createGarbageCollector({
      inventory,
      routings,
      deleter: { resume: async () => 0 },
    });
    const page = await collector.find({ olderThanMs: 0 });
    expect(page.skipped).toHaveLength(3);
    expect(get).toHaveBeenCalledTimes(3);
    get.mockRestore();
    const rest = await collector.find({ olderThanMs: 0, cursor: page.cursor });
    expect(rest).toMatchObject({ skipped: [], cursor: undefined });
  });
});

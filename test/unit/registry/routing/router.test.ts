import { beforeEach, describe, expect, test } from "vitest";
import { parseModelReference } from "../../../../src/domain/model-id.ts";
import type { RequestTraits } from "../../../../src/domain/routing-draw.ts";
import { type Catalog, createCatalog } from "../../../../src/registry/catalog.ts";
import { createRouter, type Router } from "../../../../src/registry/routing/router.ts";
import { createRoutingEditor } from "../../../../src/registry/routing/routing-editor.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { createMemoryModels } from "../../../support/memory-models.ts";
import { pin, splitOf } from "../../../support/routings.ts";

const AUTHOR = { by: "key:00000000" };

let models: ReturnType<typeof createMemoryModels>;
let catalog: Catalog;
let router: Router;
let nowMs: number;
let change: ReturnType<typeof createRoutingEditor>["change"];

beforeEach(() => {
  nowMs = 0;
  models = createMemoryModels();
  models.publish("m", "1", "2", "3");
  catalog = createCatalog(models.store, { listingTtlSeconds: 10, now: () => nowMs });
  router = createRouter(catalog);
  ({ change } = createRoutingEditor(models.routings, { onChange: catalog.forget }));
});

const at = (random: number): RequestTraits => ({ random });
const resolve = (reference: string, traits?: RequestTraits) =>
  router.resolve(parseModelReference(reference), traits);
const recall = (reference: string, traits?: RequestTraits) =>
  router.recall(parseModelReference(reference), traits);

test.each(["m", "m@default", "m@newest", "m@2", "m@production", "m@split"])(
  "%s is recalled as it was resolved, while the listing is fresh",
  async (reference) => {
    await change("m", pin("production", "1"), AUTHOR);
    await change("m", { action: "alias", alias: "split", split: splitOf({ 1: 1, 2: 1 }) }, AUTHOR);
    expect(recall(reference, at(0.7))).toBeUndefined();
    const model = await resolve(reference, at(0.7));
    expect(recall(reference, at(0.7))).toBe(model);
    expect(await resolve(reference, at(0.7))).toBe(model);
    nowMs += 10_000;
    expect(recall(reference, at(0.7))).toBeUndefined();
  },
);

test("only a reference with an alias has one", async () => {
  await change("m", pin("default", "1"), AUTHOR);
  expect(await resolve("m")).toMatchObject({ version: "1" });
  expect(await resolve("m")).not.toHaveProperty("alias");
  expect(await resolve("m@2")).not.toHaveProperty("alias");
  expect(await resolve("m@default")).toMatchObject({ version: "1", alias: "default" });
  expect(await resolve("m@newest")).toMatchObject({ version: "3", alias: "newest" });
});

describe("a split", () => {
  beforeEach(() =>
    change("m", { action: "alias", alias: "a", split: splitOf({ 1: 1, 2: 3 }) }, AUTHOR),
  );

  test("gives the version at the request's point, and without traits the heaviest", async () => {
    expect(await resolve("m@a", at(0.2))).toMatchObject({ version: "1" });
    expect(await resolve("m@a", at(0.3))).toMatchObject({ version: "2" });
    expect(await resolve("m@a")).toMatchObject({ version: "2" });
    expect(recall("m@a", at(0.2))).toMatchObject({ version: "1" });
  });

  test("of which one manifest is corrupt fails only the requests that get it", async () => {
    models.bytes.set("models/m/2/manifest.json", new Uint8Array(Buffer.from("{")));
    expect(await resolve("m@a", at(0.2))).toMatchObject({ version: "1" });
    const error = await rejectedApiError("model_corrupt", resolve("m@a", at(0.3)));
    expect(error.message).toContain("version 2");
  });
});

describe("a shadow", () => {
  const shadow = { version: "2", sample: 0.5 };

  test("comes with the version that answers, by an alias and by the default", async () => {
    for (const alias of ["a", "default"]) {
      await change("m", pin(alias, "1"), AUTHOR);
      await change("m", { action: "shadow", alias, shadow }, AUTHOR);
    }
    for (const reference of ["m@a", "m"]) {
      const model = await resolve(reference);
      expect(model).toMatchObject({
        version: "1",
        shadow: { ...shadow, manifest: { version: "2" } },
      });
      expect(recall(reference)).toBe(model);
    }
    expect(await resolve("m@1")).not.toHaveProperty("shadow");
  });

  test("that cannot be resolved, or that was drawn itself, is left out", async () => {
    const split = splitOf({ 1: 1, 2: 1 });
    await change("m", { action: "alias", alias: "a", split }, AUTHOR);
    await change("m", { action: "shadow", alias: "a", shadow }, AUTHOR);
    expect(await resolve("m@a", at(0.9))).not.toHaveProperty("shadow");
    expect(await resolve("m@a", at(0.1))).toHaveProperty("shadow");
    models.bytes.set("models/m/2/manifest.json", new Uint8Array(Buffer.from("{")));
    catalog.forget("m");
    expect(await resolve("m@a", at(0.1))).not.toHaveProperty("shadow");
  });
});

describe("a change", () => {
  test("is seen at once by the isolate that made it, and by others when their listing is read again", async () => {
    const other = createRouter(
      createCatalog(models.store, { listingTtlSeconds: 10, now: () => nowMs }),
    );
    const versions = async () => [
      (await resolve("m@a")).version,
      (await other.resolve({ name: "m", alias: "a" })).version,
    ];
    await change("m", pin("a", "1"), AUTHOR);
    expect(await versions()).toEqual(["1", "1"]);
    await change("m", pin("a", "2"), AUTHOR);
    expect(await versions()).toEqual(["2", "1"]);
    nowMs = 9999;
    expect(await versions()).toEqual(["2", "1"]);
    nowMs = 10_000;
    expect(await versions()).toEqual(["2", "2"]);
  });

  test("that adds an alias is seen by others after a second", async () => {
    const { change: changeElsewhere } = createRoutingEditor(models.routings);
    await resolve("m");
    await changeElsewhere("m", pin("new", "1"), AUTHOR);
    nowMs = 999;
    await rejectedApiError("alias_not_found", resolve("m@new"));
    nowMs = 1000;
    expect(await resolve("m@new")).toMatchObject({ version: "1" });
  });
});

test("a version that is deleted elsewhere is not answered from an old listing", async () => {
  const { change: changeElsewhere } = createRoutingEditor(models.routings);
  await change("m", { action: "alias", alias: "a", split: splitOf({ 1: 1, 2: 9 }) }, AUTHOR);
  await catalog.find("m");
  await changeElsewhere("m", { action: "delete", version: "2", force: true }, AUTHOR);
  await models.objects.delete(["models/m/2/manifest.json"]);
  expect(await resolve("m@a", at(0.9))).toMatchObject({ version: "1" });
  expect(await resolve("m")).toMatchObject({ version: "3" });
});

test("an alias of a version that does not exist is corrupt, and its model's numbers are not", async () => {
  await change("m", pin("a", "2"), AUTHOR);
  await models.objects.delete(["models/m/2/manifest.json"]);
  catalog.forget("m");
  const error = await rejectedApiError("routing_corrupt", resolve("m@a"));
  expect(error.message).toContain('The alias "a" of model "m" points to version 2');
  expect(error.details).toMatchObject({ model: "m", alias: "a", version: "2" });
  expect(await resolve("m@1")).toMatchObject({ version: "1" });
  expect(await resolve("m")).toMatchObject({ version: "3" });
});

test.each([
  ["m@b", "alias_not_found", "its aliases are a"],
  ["m@constructor", "alias_not_found", "its aliases are a"],
  ["m@__proto__", "alias_not_found", "lower-case"],
  ["m@A", "alias_not_found", "lower-case"],
  ["m@", "alias_not_found", "lower-case"],
  ["m@9", "version_not_found", "3, 2, 1"],
  ["m@0", "version_not_found", "positive integer"],
  ["n@a", "model_not_found", '"n"'],
  ["../m@a", "model_not_found", '"../m"'],
] as const)("%s is refused with %s", async (reference, code, message) => {
  await change("m", pin("a", "1"), AUTHOR);
  const error = await rejectedApiError(code, resolve(reference));
  expect(error.message).toContain(message);
});

import { expect, test } from "vitest";
import { createCatalog } from "../../../src/registry/catalog.ts";
import { createKeptPredictions } from "../../../src/registry/kept-predictions.ts";
import { createRouter } from "../../../src/registry/routing/router.ts";
import { createRoutingEditor } from "../../../src/registry/routing/routing-editor.ts";
import { manifestKey } from "../../../src/storage/model-keys.ts";
import { createMemoryModels, manifestOf } from "../../support/memory-models.ts";

function publish(
  { bytes }: Pick<ReturnType<typeof createMemoryModels>, "bytes">,
  version: string,
  monitoring: object,
): void {
  const manifest = { ...manifestOf("m", version), monitoring };
  bytes.set(
    manifestKey({ name: "m", version }),
    new Uint8Array(Buffer.from(JSON.stringify(manifest))),
  );
}

test("settings of a version are known also when the listing that it was resolved by is too old", async () => {
  const models = createMemoryModels();
  models.publish("m", "1");
  publish(models, "2", { feedback: { rate: 0.25, retentionDays: 7 } });
  // Each request lists again.
  const catalog = createCatalog(models.store, { listingTtlSeconds: 0 });
  const { settingsOf } = createKeptPredictions(catalog, 30);
  expect(settingsOf("m", "1")).toBeUndefined();
  await catalog.resolve("m", "1");
  await catalog.resolve("m", "2");
  expect(catalog.peek("m")).toBeUndefined();
  expect(settingsOf("m", "1")).toEqual({ rate: 1, retentionDays: 30 });
  expect(settingsOf("m", "2")).toEqual({ rate: 0.25, retentionDays: 7 });
  expect(settingsOf("m", "3")).toBeUndefined();
});

test("versions of a split are compared as the manifest of the canary says, once both are known", async () => {
  const models = createMemoryModels();
  models.publish("m", "1");
  publish(models, "2", { canary: { metrics: ["errors"], significance: 0.05 }, calibrated: true });
  const catalog = createCatalog(models.store, { listingTtlSeconds: 0 });
  const editor = createRoutingEditor(models.routings, { onChange: catalog.forget });
  const split = [
    { version: "1", weight: 1 },
    { version: "2", weight: 1 },
  ];
  await editor.change("m", { action: "alias", alias: "live", split }, { by: "key:00000000" });
  const router = createRouter(catalog);
  const { pairsOf } = createKeptPredictions(catalog, 30);
  const first = await router.resolve({ name: "m", alias: "live" }, { random: 0.1 });
  expect(first).toMatchObject({ version: "1", split: "live" });
  expect(pairsOf("m", "live")).toEqual([]);
  await router.resolve({ name: "m", alias: "live" }, { random: 0.9 });
  expect(pairsOf("m", "live")).toEqual([
    {
      alias: "live",
      since: 1,
      stable: "1",
      canary: "2",
      significance: 0.05,
      metrics: ["errors"],
      calibrated: ["2"],
    },
  ]);
  expect(pairsOf("m", "nobody")).toEqual([]);
  expect(await router.resolve({ name: "m", version: "2" })).not.toHaveProperty("split");
});

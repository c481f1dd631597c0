import { expect, test } from "vitest";
import { hidesCache } from "../../../src/domain/cache-privacy.ts";
import type { Manifest } from "../../../src/domain/manifest.ts";
import { findModel } from "../../support/publish.ts";

type Cache = Manifest["cache"];

const hides = (model: string, cache: Partial<Cache> = {}, hasClientKey = false): boolean => {
  const { manifest } = findModel(model);
  return hidesCache({ ...manifest, cache: { ...manifest.cache, ...cache } }, hasClientKey);
};

test.each([
  ["sentence-embeddings", true],
  ["spam-detection", true],
  ["language-identification", true],
  ["iris-logistic", false],
  ["digits-cnn", false],
  ["face-detection", false],
])("the cache of %s is hidden by default: %s", (model, expected) => {
  expect(hides(model)).toBe(expected);
  expect(hides(model, { disclose: true })).toBe(false);
  expect(hides(model, { disclose: false })).toBe(true);
});

test("the cache of a model with an input of BYTES and no task is hidden", () => {
  const { preprocess: _, ...manifest } = findModel("iris-logistic").manifest;
  const inputs: Manifest["inputs"] = [{ name: "text", datatype: "BYTES", shape: [-1] }];
  expect(hidesCache({ ...manifest, inputs }, false)).toBe(true);
});

test("entries by key are hidden only from clients without one, and without a cache there is nothing to hide", () => {
  expect(hides("spam-detection", { scope: "key" }, true)).toBe(false);
  expect(hides("spam-detection", { scope: "key" })).toBe(true);
  expect(hides("spam-detection", {}, true)).toBe(true);
  expect(hides("spam-detection", { enabled: false })).toBe(false);
});

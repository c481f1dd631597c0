import { expect, test } from "vitest";
import { parseManifest } from "../../../../src/domain/manifest.ts";
import { generationManifest } from "../../../support/generation-fixtures.ts";

/** The manifest of a small language model, with changes. */

const cache = generationManifest("growing").postprocess as unknown as {
  readonly cache: Record<string, unknown>;
};

type Spec = {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly unknown[];
};

const change = (side: "inputs" | "outputs", name: string, fields: object) => {
  const manifest = generationManifest("growing");
  const specs: readonly Spec[] = manifest[side];
  return {
    ...manifest,
    [side]: specs.map((spec) => (spec.name === name ? { ...spec, ...fields } : spec)),
  };
};

test("omitted fields have their defaults", () => {
  const { preprocess, postprocess } = generationManifest("in-place", { maxNewTokens: undefined });
  expect(preprocess).toMatchObject({ addSpecialTokens: true });
  expect(postprocess).toMatchObject({
    maxNewTokens: 128,
    eosTokenIds: [],
    cache: { datatype: "FP32" },
  });
});

test.each<[string, object]>([
  ["logits of unknown rank", change("outputs", "logits", { shape: [] })],
  ["a batch of one", change("inputs", "past_key_values.0.key", { shape: [1, 2, "past", 8] })],
  ["ids of INT32", change("inputs", "input_ids", { datatype: "INT32" })],
])("a manifest with %s is valid", (_, manifest) => {
  expect(parseManifest(manifest)).toMatchObject({ name: "tiny-growing" });
});

test.each<[string, () => unknown, RegExp]>([
  [
    "an input that no block names",
    () => generationManifest("growing", {}, { inputs: { ids: "input_ids" } }),
    /leaves out "attention_mask".*leaves out "position_ids"/s,
  ],
  [
    "a cache of fewer layers",
    () => generationManifest("growing", { cache: { ...cache.cache, layers: 1 } }),
    /leaves out "past_key_values\.1\.key"/,
  ],
  [
    "a cache of other names",
    () => generationManifest("growing", { cache: { ...cache.cache, past: "past.{layer}.{kind}" } }),
    /"past\.0\.key" is not one of inputs/,
  ],
  [
    "names without a layer",
    () => generationManifest("growing", { cache: { ...cache.cache, present: "present" } }),
    /must contain \{layer\}/,
  ],
  [
    "heads of another size",
    () => generationManifest("growing", { cache: { ...cache.cache, headSize: 16 } }),
    /must have the shape \[batch, 2, tokens, 16\]/,
  ],
  [
    "a cache of fixed length",
    () => parseManifest(change("inputs", "past_key_values.0.key", { shape: [1, 2, 64, 8] })),
    /"past_key_values\.0\.key" must have a dynamic third dimension; it has 64/,
  ],
  [
    "a cache of another datatype",
    () => parseManifest(change("outputs", "present.1.value", { datatype: "FP16" })),
    /"present\.1\.value" must be FP32; it is FP16/,
  ],
  [
    "logits of a matrix",
    () => parseManifest(change("outputs", "logits", { shape: ["batch", 263] })),
    /"logits" must have the shape \[batch, tokens, vocabulary\]/,
  ],
  [
    "a token that ends texts outside the vocabulary",
    () => generationManifest("growing", { eosTokenIds: [263] }),
    /263 is no token: the vocabulary has 263/,
  ],
  [
    "positions of floats",
    () => parseManifest(change("inputs", "position_ids", { datatype: "FP32" })),
    /"position_ids" must be INT64 or INT32/,
  ],
])("a manifest with %s is refused", (_, create, problem) => {
  expect(create).toThrow(problem);
});

test("prompts and generated texts go together", () => {
  const manifest = generationManifest("growing");
  const embedding = {
    type: "embedding",
    version: 1,
    output: "logits",
    pooling: "mean",
    normalize: true,
  };
  expect(() => parseManifest({ ...manifest, postprocess: embedding })).toThrow(
    /must be text-generation for the task text-generation/,
  );
});

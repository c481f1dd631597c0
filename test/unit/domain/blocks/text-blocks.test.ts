import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../../src/domain/manifest.ts";

const TOKENIZER = {
  type: "tokenizer",
  version: 1,
  tokenizer: "tokenizer.json",
  inputs: { ids: "ids", attentionMask: "mask" },
  maxLength: 128,
  truncation: "end",
  padding: "longest",
};
const EMBEDDING = {
  type: "embedding",
  version: 1,
  output: "hidden",
  pooling: "mean",
  normalize: true,
};
const ENTITIES = {
  type: "token-classification",
  version: 1,
  scores: "hidden",
  aggregation: "simple",
};

const manifest = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  schemaVersion: 1,
  name: "m",
  version: "1",
  task: "feature-extraction",
  format: "onnx",
  file: "model.onnx",
  files: ["model.onnx", "tokenizer.json"].map((path) => ({
    path,
    sha256: "a".repeat(64),
    sizeBytes: 1,
  })),
  inputs: ["ids", "mask"].map((name) => ({ name, datatype: "INT64", shape: ["batch", "tokens"] })),
  outputs: [{ name: "hidden", datatype: "FP32", shape: ["batch", "tokens", 3] }],
  preprocess: TOKENIZER,
  postprocess: EMBEDDING,
  createdAt: "2026-11-22T00:00:00Z",
  ...changes,
});

const inputs = (change: object): object[] =>
  ["ids", "mask"].map((name) => ({
    name,
    datatype: "INT64",
    shape: ["batch", "tokens"],
    ...change,
  }));
const withTokenizer = (change: object): Record<string, unknown> =>
  manifest({ preprocess: { ...TOKENIZER, ...change } });
const fixed = { padding: "max-length", maxLength: 64 };

describe("a manifest may describe", () => {
  test.each<[string, Record<string, unknown>]>([
    ["vectors of tokens", manifest()],
    ["similarities", manifest({ task: "sentence-similarity" })],
    [
      "a pooled output",
      manifest({
        outputs: [{ name: "hidden", datatype: "FP32", shape: ["batch", 3] }],
        postprocess: { ...EMBEDDING, pooling: "none" },
      }),
    ],
    [
      "a fixed length",
      manifest({ inputs: inputs({ shape: [1, 64] }), preprocess: { ...TOKENIZER, ...fixed } }),
    ],
    [
      "entities",
      manifest({ task: "token-classification", postprocess: ENTITIES, labels: ["O", "A", "B"] }),
    ],
  ])("%s", (_, value) => {
    expect(parseManifest(value)).toMatchObject({ name: "m" });
  });

  test("what is not an entity is O unless it says otherwise", () => {
    const value = manifest({
      task: "token-classification",
      postprocess: ENTITIES,
      labels: ["O", "A", "B"],
    });
    expect(parseManifest(value).postprocess).toMatchObject({ ignoreLabels: ["O"] });
  });
});

describe("a manifest may not describe", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["tokens as floats", manifest({ inputs: inputs({ datatype: "FP32" }) }), /FP32, but tokens/],
    ["tokens of another rank", manifest({ inputs: inputs({ shape: ["n"] }) }), /\[batch, tokens\]/],
    [
      "a fixed length that is another",
      manifest({ inputs: inputs({ shape: [1, 64] }) }),
      /the input takes 64 tokens: 64, with padding "max-length"/,
    ],
    [
      "an input that nothing is fed into",
      withTokenizer({ inputs: { ids: "ids" } }),
      /input "mask" is none of them/,
    ],
    ["an input that is none", withTokenizer({ inputs: { ids: "x" } }), /"x" is not one of inputs/],
    ["a file that is none", withTokenizer({ tokenizer: "t.json" }), /"t.json" is not one of files/],
    [
      "a mean of rows",
      manifest({ postprocess: { ...EMBEDDING, pooling: "none" } }),
      /3 dimensions instead of 2/,
    ],
    ["no truncation", withTokenizer({ truncation: undefined }), /truncation/],
    ["another block's task", manifest({ task: "text-classification" }), /made of classification/],
    [
      "entities without labels",
      manifest({ task: "token-classification", postprocess: ENTITIES }),
      /needs labels/,
    ],
    [
      "entities of fewer labels",
      manifest({ task: "token-classification", postprocess: ENTITIES, labels: ["O"] }),
      /has 3 scores for 1 labels/,
    ],
    [
      "vectors of a table",
      manifest({
        task: undefined,
        inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2] }],
        preprocess: { type: "array", version: 1, input: "x" },
      }),
      /embedding goes with tokenizer/,
    ],
  ])("%s", (_, value, message) => {
    expect(() => parseManifest(value)).toThrow(message);
  });
});

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

describe("a valid manifest of a text model", () => {
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
    ["tokens of unknown rank", manifest({ inputs: inputs({ shape: [] }) })],
    [
      "vectors of unknown rank",
      manifest({ outputs: [{ name: "hidden", datatype: "FP32", shape: [] }] }),
    ],
    [
      "a fixed length",
      manifest({ inputs: inputs({ shape: [1, 64] }), preprocess: { ...TOKENIZER, ...fixed } }),
    ],
    [
      "entities",
      manifest({ task: "token-classification", postprocess: ENTITIES, labels: ["O", "A", "B"] }),
    ],
  ])("a manifest with %s is accepted", (_, value) => {
    expect(parseManifest(value)).toMatchObject({ name: "m" });
  });

  test("ignoreLabels of token-classification is O by default", () => {
    const value = manifest({
      task: "token-classification",
      postprocess: ENTITIES,
      labels: ["O", "A", "B"],
    });
    expect(parseManifest(value).postprocess).toMatchObject({ ignoreLabels: ["O"] });
  });
});

describe("an invalid manifest of a text model", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      "tokens as floats",
      manifest({ inputs: inputs({ datatype: "FP32" }) }),
      /"ids" must be INT64 or INT32; it is FP32\s+→ at preprocess\.inputs\.ids/,
    ],
    ["tokens of another rank", manifest({ inputs: inputs({ shape: ["n"] }) }), /\[batch, tokens\]/],
    [
      "another fixed length",
      manifest({ inputs: inputs({ shape: [1, 64] }) }),
      /the input takes 64 tokens: 64, with padding "max-length"/,
    ],
    [
      "an input of the model that the block does not name",
      withTokenizer({ inputs: { ids: "ids" } }),
      /must name each input of the model; it leaves out "mask"/,
    ],
    ["an unknown input", withTokenizer({ inputs: { ids: "x" } }), /"x" is not one of inputs/],
    ["an unknown file", withTokenizer({ tokenizer: "t.json" }), /"t.json" is not one of files/],
    [
      "a pooled output of three dimensions",
      manifest({ postprocess: { ...EMBEDDING, pooling: "none" } }),
      /must have the shape \[batch, dimensions\]; it has \[batch, tokens, 3\]\s+→ at postprocess\.output/,
    ],
    [
      "a pooled output as vectors of tokens",
      manifest({ outputs: [{ name: "hidden", datatype: "FP32", shape: ["batch", 3] }] }),
      /must have the shape \[batch, tokens, dimensions\]; it has \[batch, 3\]\s+→ at postprocess\.output/,
    ],
    [
      "strings as vectors",
      manifest({ outputs: [{ name: "hidden", datatype: "BYTES", shape: ["batch", "tokens", 3] }] }),
      /"hidden" must be numeric; it is BYTES\s+→ at postprocess\.output/,
    ],
    [
      "entities of a pooled output",
      manifest({
        task: "token-classification",
        outputs: [{ name: "hidden", datatype: "FP32", shape: ["batch", 3] }],
        postprocess: ENTITIES,
        labels: ["O", "A", "B"],
      }),
      /must have the shape \[batch, tokens, labels\]; it has \[batch, 3\]\s+→ at postprocess\.scores/,
    ],
    [
      "a classification of each token",
      manifest({
        task: "text-classification",
        postprocess: {
          type: "classification",
          version: 1,
          scores: "hidden",
          activation: "softmax",
        },
        labels: ["a", "b", "c"],
      }),
      /must have the shape \[batch, classes\] or \[batch\]; it has \[batch, tokens, 3\]\s+→ at postprocess\.scores/,
    ],
    [
      "one input fed twice",
      withTokenizer({ inputs: { ids: "ids", attentionMask: "mask", tokenTypeIds: "mask" } }),
      /names "mask" twice\s+→ at preprocess/,
    ],
    ["no truncation", withTokenizer({ truncation: undefined }), /truncation/],
    [
      "another block's task",
      manifest({ task: "text-classification" }),
      /must be classification for the task text-classification/,
    ],
    [
      "entities without labels",
      manifest({ task: "token-classification", postprocess: ENTITIES }),
      /needs labels/,
    ],
    [
      "entities of fewer labels",
      manifest({ task: "token-classification", postprocess: ENTITIES, labels: ["O"] }),
      /must have length 3, .*; it has 1\s+→ at labels/,
    ],
    [
      "raw texts into numbers",
      manifest({
        inputs: [{ name: "x", datatype: "FP32", shape: [-1, 1] }],
        preprocess: { type: "text", version: 1, input: "x" },
      }),
      /must be BYTES; it is FP32\s+→ at preprocess\.input/,
    ],
    [
      "raw texts into two columns",
      manifest({
        inputs: [{ name: "x", datatype: "BYTES", shape: [-1, 2] }],
        preprocess: { type: "text", version: 1, input: "x" },
      }),
      /must have the shape \[batch\] or \[batch, 1\]; it has/,
    ],
    [
      "vectors of a table",
      manifest({
        task: undefined,
        inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2] }],
        preprocess: { type: "array", version: 1, input: "x" },
      }),
      /must be tokenizer, which embedding needs\s+→ at preprocess\.type/,
    ],
  ])("a manifest with %s is refused", (_, value, message) => {
    expect(() => parseManifest(value)).toThrow(message);
  });
});

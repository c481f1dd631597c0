import { describe, expect, test } from "vitest";
import { readModelFolder } from "../../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../../scripts/project.ts";
import type { Postprocess } from "../../../src/domain/blocks/registry.ts";
import {
  fileEntry,
  manifestJsonSchema,
  modelDigest,
  parseManifest,
} from "../../../src/domain/manifest.ts";
import { memberFile, memberModel, memberNames } from "../../../src/domain/member-models.ts";

const DIGEST = "a".repeat(64);

/** The required fields. */
const minimal = (): Record<string, unknown> => ({
  schemaVersion: 1,
  name: "m",
  version: "1",
  format: "onnx",
  file: "model.onnx",
  files: [{ path: "model.onnx", sha256: DIGEST, sizeBytes: 1 }],
  inputs: [{ name: "x", datatype: "FP32", shape: ["batch", 2] }],
  outputs: [{ name: "y", datatype: "FP32", shape: ["batch", 2] }],
  createdAt: "2026-11-22T00:00:00Z",
});

const tabular = { type: "tabular", version: 1, input: "x", columns: ["a", "b"] };
const classification: Postprocess = {
  type: "classification",
  version: 1,
  scores: "y",
  activation: "none",
};

test("an omitted field of a manifest has its default", () => {
  expect(parseManifest(minimal())).toEqual({
    ...minimal(),
    cache: expect.objectContaining({ enabled: true, ttlSeconds: 86_400 }),
    runtime: expect.objectContaining({ prepack: true }),
  });
});

test("the manifests of models/ are parsed without loss", () => {
  const models = readModelFolder(projectPath("models"));
  expect(models.length).toBeGreaterThan(0);
  for (const { manifestText, manifest } of models)
    expect(manifest).toMatchObject(JSON.parse(manifestText));
});

test.each<[change: Record<string, unknown>]>([
  [
    {
      file: "deep/er/model_1.onnx",
      files: [{ path: "deep/er/model_1.onnx", sha256: DIGEST, sizeBytes: 1 }],
    },
  ],
  [{ inputs: [] }],
  [{ inputs: [{ name: "x", datatype: "BYTES", shape: [] }] }],
  [{ inputs: [{ name: "x", datatype: "FP16", shape: [-1, 0, "n"] }] }],
  [{ format: "ort" }],
  [
    {
      preprocess: tabular,
      postprocess: classification,
      labels: ["a", "b"],
      task: "tabular-classification",
    },
  ],
  [
    {
      outputs: [{ name: "y", datatype: "FP32", shape: ["batch", 1] }],
      postprocess: { type: "regression", version: 1, output: "y" },
    },
  ],
])("a manifest with %j is valid", (change) => {
  expect(parseManifest({ ...minimal(), ...change })).toMatchObject(change);
});

const ENCODER = {
  format: "onnx",
  file: "encoder.onnx",
  inputs: [{ name: "x", datatype: "FP32", shape: ["n"] }],
  outputs: [{ name: "h", datatype: "FP32", shape: ["n"] }],
};
const FILES = ["model.onnx", "encoder.onnx"].map((path) => ({
  path,
  sha256: DIGEST,
  sizeBytes: 1,
}));

test("a manifest declares models beside the main one, in the same terms", () => {
  const manifest = parseManifest({ ...minimal(), files: FILES, models: { "an-encoder": ENCODER } });
  expect(memberNames(manifest)).toEqual([undefined, "an-encoder"]);
  expect(memberModel(manifest)).toBe(manifest);
  expect(memberModel(manifest, "an-encoder")).toEqual({ ...ENCODER, runtime: { prepack: true } });
  expect(memberFile(manifest, "an-encoder").path).toBe("encoder.onnx");
  for (const name of ["decoder", "constructor", "__proto__"])
    expect(() => memberModel(manifest, name)).toThrow(`has no model ${name}`);
});

test.each<[change: Record<string, unknown>, problem: RegExp]>([
  ...["Encoder", "", "1", "a b", "../a", "a.b", "x".repeat(64)].map(
    (name): [Record<string, unknown>, RegExp] => [
      { files: FILES, models: { [name]: ENCODER } },
      /at models/,
    ],
  ),
  [{ models: { encoder: ENCODER } }, /not one of files\[\]\.path\s+→ at models\.encoder\.file/],
  [
    { models: { encoder: { ...ENCODER, file: "model.onnx" } } },
    /is the file of the model itself as well\s+→ at models\.encoder\.file/,
  ],
  [
    { files: FILES, models: { a: ENCODER, b: ENCODER } },
    /is the file of models\.a as well\s+→ at models\.b\.file/,
  ],
  [{ files: FILES, models: { a: { ...ENCODER, outputs: [] } } }, /at models\.a\.outputs/],
  [
    { models: Object.fromEntries(Array.from("abcdefghi", (name) => [name, ENCODER])) },
    /at most 8 models/,
  ],
  [{ schemaVersion: 2 }, /at schemaVersion/],
  [{ name: "M" }, /at name/],
  [{ name: "../etc" }, /at name/],
  [{ name: "stats" }, /GET \/v2\/models\/stats .* would hide a model of this name\s+→ at name/],
  [{ version: 1 }, /at version/],
  [{ version: "01" }, /at version/],
  [{ format: "tflite" }, /at format/],
  [{ unknown: true }, /unknown/],
  [{ createdAt: "yesterday" }, /at createdAt/],
  [{ file: "other.onnx" }, /not one of files\[\]\.path\s+→ at file/],
  [{ files: [] }, /at files/],
  [
    { files: [{ path: "model.onnx", sha256: "A".repeat(64), sizeBytes: 1 }] },
    /at files\[0\]\.sha256/,
  ],
  [{ files: [{ path: "model.onnx", sha256: DIGEST, sizeBytes: 0 }] }, /at files\[0\]\.sizeBytes/],
  [
    { files: [1, 2].map((sizeBytes) => ({ path: "model.onnx", sha256: DIGEST, sizeBytes })) },
    /two files have the same path/,
  ],
  ...["../model.onnx", "/model.onnx", "a/../b", "a/./b", "", "manifest.json", "a\\b", "ü"].map(
    (path): [Record<string, unknown>, RegExp] => [
      { file: path, files: [{ path, sha256: DIGEST, sizeBytes: 1 }] },
      /at files\[0\]\.path/,
    ],
  ),
  [{ inputs: [{ name: "x", datatype: "float32", shape: [] }] }, /at inputs\[0\]\.datatype/],
  [{ inputs: [{ name: "x", datatype: "FP32", shape: [-2] }] }, /at inputs\[0\]\.shape\[0\]/],
  [{ inputs: [{ name: "x", datatype: "FP32", shape: [1.5] }] }, /at inputs\[0\]\.shape\[0\]/],
  [{ inputs: [{ name: "", datatype: "FP32", shape: [] }] }, /at inputs\[0\]\.name/],
  [{ outputs: [] }, /at outputs/],
  [{ preprocess: { ...tabular, input: "z" } }, /"z" is not one of inputs\s+→ at preprocess/],
  [{ preprocess: { ...tabular, version: 2 } }, /at preprocess\.version/],
  [{ preprocess: { ...tabular, type: "magic" } }, /at preprocess\.type/],
  [
    { preprocess: { type: "character-ngrams", version: 1, input: "x", vocabulary: "v.json" } },
    /"v\.json" is not one of files\s+→ at preprocess/,
  ],
  [
    { postprocess: { ...classification, scores: "z" }, labels: [] },
    /"z" is not one of outputs\s+→ at postprocess/,
  ],
  [{ postprocess: classification }, /classification needs labels\s+→ at labels/],
  [
    { task: "clustering", preprocess: tabular, postprocess: classification, labels: ["a"] },
    /must be clustering for the task clustering\s+→ at postprocess\.type/,
  ],
  [{ task: "clustering" }, /a task needs preprocess and postprocess\s+→ at task/],
  [{ cache: { enabled: true, ttlSeconds: 1 } }, /at cache\.ttlSeconds/],
])("a manifest with %j is refused", (change, problem) => {
  expect(() => parseManifest({ ...minimal(), ...change })).toThrow(problem);
});

test.each([undefined, null, "text", [], 1])("%j is not a manifest", (value) => {
  expect(() => parseManifest(value)).toThrow(/^invalid manifest:/);
});

test("the error names every invalid field of a manifest", () => {
  const wrong = { ...minimal(), name: "M", format: "tflite", createdAt: 1 };
  expect(() => parseManifest(wrong)).toThrow(/at name.*at format.*at createdAt/s);
});

describe("the model file of a manifest", () => {
  const manifest = parseManifest({
    ...minimal(),
    files: [
      { path: "a.json", sha256: "b".repeat(64), sizeBytes: 2 },
      { path: "model.onnx", sha256: DIGEST, sizeBytes: 1 },
    ],
  });

  test("the digest of a manifest is that of its model file", () => {
    expect(modelDigest(manifest)).toBe(DIGEST);
  });

  test("a file of a manifest is found by its path", () => {
    expect(fileEntry(manifest, "a.json").sizeBytes).toBe(2);
    expect(() => fileEntry(manifest, "b.json")).toThrow("manifest of m has no file b.json");
  });
});

test("the JSON Schema requires the fields without a default", () => {
  expect(manifestJsonSchema()).toMatchObject({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    required: Object.keys(minimal()),
    additionalProperties: false,
  });
});

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readModelFolder } from "../../../../../packages/cli/src/local/model-folder.ts";
import { readModel } from "../../../../../packages/cli/src/local/read-model.ts";
import { seedModels } from "../../../../../packages/cli/src/local/seed.ts";
import { UserError } from "../../../../../packages/cli/src/local/user-error.ts";
import { toVersionFiles } from "../../../../../packages/cli/src/local/version-files.ts";
import { projectPath } from "../../../../../scripts/project.ts";
import { parseManifest } from "../../../../../src/domain/manifest.ts";
import { EXPORTS, readExport, sha256Of } from "../../../../support/exported-models.ts";

/** `npm start` and `npm run upload` read models by this, before anything is written. */

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-models-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with one model of models/, whose manifest has other fields. */
function copyModel(name: string, changes: Record<string, unknown>): string {
  const models = mkdtempSync(join(folder, "models-"));
  cpSync(projectPath("models", name), join(models, name), { recursive: true });
  const file = join(models, name, "1", "manifest.json");
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...manifest, ...changes }));
  return models;
}

test("a manifest whose labels contradict its outputs is refused with the path", () => {
  const models = copyModel("iris-logistic", { labels: ["setosa", "versicolor"] });
  expect(() => readModelFolder(models)).toThrow(
    new UserError(
      'model iris-logistic version 1: manifest.json: invalid manifest: ✖ must have length 3, one label for each value of "probabilities"; it has 2 → at labels',
    ),
  );
});

test("a version of several models is stored with all of them, each as it is published", async () => {
  const models = mkdtempSync(join(folder, "models-"));
  const version = join(models, "sums", "1");
  // Its weights are in other files, and become a part of it.
  cpSync(EXPORTS, version, { recursive: true });
  const bytes = readExport("external.onnx");
  writeFileSync(join(version, "encoder.onnx"), bytes);
  const paths = ["external.onnx", "encoder.onnx"];
  const declared = {
    format: "onnx",
    inputs: [{ name: "x", datatype: "FP32", shape: ["batch", 3] }],
    outputs: [{ name: "y", datatype: "FP32", shape: ["batch", 2] }],
  };
  const manifest = {
    schemaVersion: 1,
    name: "sums",
    version: "1",
    ...declared,
    file: "external.onnx",
    files: paths.map((path) => ({ path, sha256: sha256Of(bytes), sizeBytes: bytes.byteLength })),
    models: { encoder: { ...declared, file: "encoder.onnx" } },
    createdAt: "2026-11-30T00:00:00Z",
  };
  writeFileSync(join(version, "manifest.json"), JSON.stringify(manifest));
  const [model] = readModelFolder(models);
  if (!model) throw new Error("there is no model");
  const stored = await toVersionFiles(model);
  expect(parseManifest(JSON.parse(stored.manifestText))).toEqual(stored.manifest);
  const sent = { sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
  expect(stored.manifest.original).toEqual({ ...sent, changes: ["external-data"] });
  for (const path of paths) {
    const content = stored.read(path);
    expect(content.byteLength).toBeGreaterThan(bytes.byteLength);
    const file = { path, sha256: sha256Of(content), sizeBytes: content.byteLength };
    expect(stored.manifest.files).toContainEqual(file);
    expect(readModel(content)?.externalPaths).toEqual([]);
  }
  expect(stored.manifest.files).toHaveLength(2);
});

test("nothing is seeded of a folder with a manifest that contradicts its model", async () => {
  const shape = ["batch", "tokens", 2];
  const models = copyModel("spam-detection", {
    outputs: [{ name: "logits", datatype: "FP32", shape }],
  });
  const bucket = {} as Parameters<typeof seedModels>[0];
  await expect(seedModels(bucket, models)).rejects.toThrow(
    /^model spam-detection version 1: manifest.json: .*it has \[batch, tokens, 2\] → at postprocess\.scores$/,
  );
});

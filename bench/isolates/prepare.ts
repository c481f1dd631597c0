import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { seedModels } from "../../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildModelIsolate } from "../../scripts/build-model-isolate.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { type ModelBucket, startLocalWorker } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";
import { fileKey } from "../../src/storage/model-keys.ts";
import type { Graph } from "../../test/support/onnx-builder.ts";
import { store, storeFile } from "../../test/support/stored-model.ts";
import { buildVariant } from "../build-variant.ts";
import { buildDenseModel } from "../dense-model.ts";
import type { BuiltWorker } from "./placed-worker.ts";

const IMAGE_SHAPE = [1, 3, 224, 224];
/** Models with almost no computation: 600 KB in, and 600 KB in each direction. */
const MEAN: Graph = {
  inputs: [{ name: "x", datatype: "FP32", shape: IMAGE_SHAPE }],
  outputs: [{ name: "y", datatype: "FP32", shape: [] }],
  nodes: [{ op: "ReduceMean", inputs: ["x"], outputs: ["y"], attributes: { keepdims: { i: 0 } } }],
};
const IDENTITY: Graph = {
  ...MEAN,
  outputs: [{ name: "y", datatype: "FP32", shape: IMAGE_SHAPE }],
  nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
};
/** A run takes some milliseconds, as a token of a small language model. */
const DENSE = { width: 512, hiddenLayers: 12 };
const COPIED = "sentence-embeddings";
const COPIES = 10;

/** Models of the size of MiniLM, each with a file of its own. */
export const COPY_NAMES: readonly string[] = Array.from(
  { length: COPIES },
  (_, index) => `embeddings-${index}`,
);

/** The project's Worker with the models of `models/`, and those above. */
export async function prepareProject(): Promise<BuiltWorker> {
  const outdir = createTemporaryFolder("bench-onnxflare");
  await buildWorker(outdir);
  return fill(outdir, async (bucket) => {
    await seedModels(bucket, projectPath("models"));
    await store(bucket, "mean", MEAN);
    await store(bucket, "identity", IDENTITY);
    for (const name of COPY_NAMES) await storeCopy(bucket, name);
  });
}

/** A copy of the model whose file ends with its name, which the engine ignores. */
async function storeCopy(bucket: ModelBucket, name: string): Promise<void> {
  const read = (file: string): Buffer => readFileSync(projectPath("models", COPIED, "1", file));
  const original = parseManifest(JSON.parse(read("manifest.json").toString()));
  const bytes = Buffer.concat([read(original.file), Buffer.from(name)]);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const files = original.files.map((file) =>
    file.path === original.file ? { ...file, sha256, sizeBytes: bytes.byteLength } : file,
  );
  const manifest = await storeFile(bucket, name, bytes, { ...original, name, files });
  for (const { path } of original.files)
    if (path !== original.file)
      await bucket.put(fileKey(manifest, path), Uint8Array.from(read(path)));
}

/** A Worker whose tasks stream tokens, with a model of KV caches, and one of some milliseconds a token. */
export async function prepareGeneration(): Promise<BuiltWorker> {
  await buildModelIsolate({
    entry: projectPath("bench", "workers", "generation", "isolate.ts"),
    output: projectPath("build", "bench-generation-isolate.txt"),
  });
  const outdir = await buildVariant("generation");
  return fill(outdir, async (bucket) => {
    const decoder = readFileSync(projectPath("test", "fixtures", "caches", "attention.onnx"));
    const caches = (prefix: string): Manifest["inputs"] =>
      [0, 1].flatMap((layer) =>
        ["key", "value"].map((part) => ({
          name: `${prefix}.${layer}.${part}`,
          datatype: "FP32" as const,
          shape: [1, 2, "past", 8],
        })),
      );
    await storeFile(bucket, "decoder", decoder, {
      ...taskOf("x", "logits"),
      inputs: [
        { name: "x", datatype: "FP32", shape: [1, "tokens", 16] },
        { name: "last", datatype: "INT32", shape: [1] },
        { name: "total", datatype: "INT32", shape: [] },
        ...caches("past_key_values"),
      ],
      outputs: [
        { name: "logits", datatype: "FP32", shape: [1, "tokens", 12] },
        ...caches("present"),
      ],
    });
    await storeFile(bucket, "dense", buildDenseModel(DENSE), {
      ...taskOf("features", "scores"),
      inputs: [{ name: "features", datatype: "FP32", shape: ["batch", 32] }],
      outputs: [{ name: "scores", datatype: "FP32", shape: ["batch", 8] }],
    });
  });
}

/** Any task: the Worker replaces it by one that generates. */
function taskOf(input: string, scores: string): Partial<Manifest> {
  return {
    task: "tabular-classification",
    preprocess: { type: "array", version: 1, input },
    postprocess: { type: "classification", version: 1, scores, activation: "softmax" },
  };
}

async function fill(
  outdir: string,
  write: (bucket: ModelBucket) => Promise<void>,
): Promise<BuiltWorker> {
  const statePath = createTemporaryFolder("bench-state");
  const worker = await startLocalWorker({ outdir, statePath });
  try {
    await write(await worker.bucket());
  } finally {
    await worker.dispose();
  }
  return { outdir, statePath };
}

import { createHash } from "node:crypto";
import type { ModelBucket } from "../../scripts/local-worker.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";
import { buildOnnx, type Graph } from "./onnx-builder.ts";

/**
 * Puts a version into the bucket as if it had been published there, so that nothing is loaded yet.
 * @returns its manifest
 */
export async function store(
  bucket: ModelBucket,
  name: string,
  graph: Graph,
  more: Partial<Manifest> = {},
): Promise<Manifest> {
  return storeFile(bucket, name, buildOnnx(graph), {
    inputs: [...(graph.inputs ?? [])].map(toSpec),
    outputs: [...graph.outputs].map(toSpec),
    ...more,
  });
}

/** {@link store} with a model that another program made. */
export async function storeFile(
  bucket: ModelBucket,
  name: string,
  bytes: Uint8Array,
  more: Partial<Manifest> & Pick<Manifest, "inputs" | "outputs">,
): Promise<Manifest> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const manifest: Manifest = {
    schemaVersion: 1,
    name,
    version: "1",
    format: "onnx",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256, sizeBytes: bytes.length }],
    cache: { enabled: false, ttlSeconds: 60, scope: "public" },
    runtime: { prepack: true, warmUp: false },
    createdAt: new Date().toISOString(),
    ...more,
  };
  await bucket.put(fileKey(manifest, manifest.file), Uint8Array.from(bytes));
  await bucket.put(manifestKey(manifest), JSON.stringify(manifest));
  return manifest;
}

function toSpec({ name, datatype, shape }: Graph["outputs"][number]): Manifest["outputs"][number] {
  return { name, datatype, shape: [...shape] };
}

import { createHash } from "node:crypto";
import { parseManifest } from "../../src/domain/manifest.ts";
import type { ModelId } from "../../src/domain/model-id.ts";

/** The objects of a published version with a model and another file in a folder, by their keys. */
export function storedVersion(
  { name, version }: ModelId,
  folder: string,
  content: string,
): Map<string, Uint8Array<ArrayBuffer>> {
  const objects = new Map(
    ["model.onnx", "labels.txt"].map((path) => [
      `${folder}/${path}`,
      new Uint8Array(Buffer.from(`${path} of ${content}`)),
    ]),
  );
  const manifest = parseManifest({
    schemaVersion: 1,
    name,
    version,
    format: "onnx",
    file: `${folder}/model.onnx`,
    files: [...objects].map(([path, bytes]) => ({
      path,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      sizeBytes: bytes.byteLength,
    })),
    inputs: [{ name: "x", datatype: "FP32", shape: [-1] }],
    outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
    createdAt: "2026-11-30T00:00:00Z",
  });
  const prefix = `models/${name}/${version}/`;
  return new Map([
    ...[...objects].map(([path, bytes]) => [`${prefix}${path}`, bytes] as const),
    [`${prefix}manifest.json`, new Uint8Array(Buffer.from(JSON.stringify(manifest)))],
  ]);
}

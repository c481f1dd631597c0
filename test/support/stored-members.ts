import { createHash } from "node:crypto";
import type { ModelBucket } from "../../scripts/local-worker.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { fileKey } from "../../src/storage/model-keys.ts";
import { sum } from "./awkward-models.ts";
import { buildOnnx } from "./onnx-builder.ts";
import { store } from "./stored-model.ts";

const SPEC = { datatype: "FP32" as const, shape: ["n"] };

/** A model `y = x + bias` beside the main one, with its file. */
export interface StoredMember {
  readonly member: NonNullable<Manifest["models"]>[string];
  readonly file: Manifest["files"][number];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** @param graphName so that no other test loads the same file */
export function sumMember(name: string, bias: number, graphName: string): StoredMember {
  const bytes = Uint8Array.from(buildOnnx({ ...sum(bias), name: `${graphName}-${name}` }));
  const path = `${name}.onnx`;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return {
    bytes,
    file: { path, sha256, sizeBytes: bytes.byteLength },
    member: {
      format: "onnx",
      file: path,
      inputs: [{ name: "x", ...SPEC }],
      outputs: [{ name: "y", ...SPEC }],
      runtime: { prepack: true },
    },
  };
}

/**
 * Puts a version into the bucket whose models add their biases: the main one 1.
 * @param biases of the models beside it, by their names
 */
export async function storeSums(
  bucket: ModelBucket,
  name: string,
  biases: Readonly<Record<string, number>>,
  graphName: string,
  more: Partial<Manifest> = {},
): Promise<Manifest> {
  const members = Object.entries(biases).map(
    ([member, bias]) => [member, sumMember(member, bias, graphName)] as const,
  );
  const main = Uint8Array.from(buildOnnx({ ...sum(1), name: graphName }));
  const sha256 = createHash("sha256").update(main).digest("hex");
  const manifest = await store(
    bucket,
    name,
    { ...sum(1), name: graphName },
    {
      models: Object.fromEntries(members.map(([member, stored]) => [member, stored.member])),
      files: [
        { path: "model.onnx", sha256, sizeBytes: main.byteLength },
        ...members.map(([, { file }]) => file),
      ],
      ...more,
    },
  );
  for (const [, { file, bytes }] of members) await bucket.put(fileKey(manifest, file.path), bytes);
  return manifest;
}

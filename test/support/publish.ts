import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toStored } from "../../packages/cli/src/local/encryption.ts";
import {
  type FolderModel,
  readModelFile,
  readModelFolder,
} from "../../packages/cli/src/local/model-folder.ts";
import type { ModelBucket } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import type { KeyRing } from "../../src/storage/encryption/key-ring.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";

const models = readModelFolder(projectPath("models"));

export function findModel(name: string): FolderModel {
  const model = models.find(({ manifest }) => manifest.name === name);
  if (!model) throw new Error(`models/ has no ${name}`);
  return model;
}

/** The model with a manifest by which every client sees how the cache was used. */
export function disclosing(model: FolderModel): FolderModel {
  const { manifest } = model;
  return { ...model, manifest: { ...manifest, cache: { ...manifest.cache, disclose: true } } };
}

/**
 * Publishes a model of `models/` under another name or version.
 * @param keys of the bucket, when it is encrypted
 */
export async function publishAs(
  bucket: ModelBucket,
  model: FolderModel,
  { name, version }: { name: string; version: string },
  keys?: KeyRing,
): Promise<void> {
  const id = { name, version };
  const put = async (key: string, bytes: Uint8Array): Promise<void> => {
    await bucket.put(key, await toStored(keys, key, new Uint8Array(bytes)));
  };
  for (const { path } of model.manifest.files)
    await put(fileKey(id, path), readModelFile(model, path));
  await put(manifestKey(id), Buffer.from(JSON.stringify({ ...model.manifest, ...id })));
}

/** {@link publishAs} with another content of one of the files. */
export async function publishWithFile(
  bucket: ModelBucket,
  model: FolderModel,
  id: { name: string; version: string },
  path: string,
  content: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const files = model.manifest.files.map((file) =>
    file.path === path
      ? {
          path,
          sha256: createHash("sha256").update(bytes).digest("hex"),
          sizeBytes: bytes.byteLength,
        }
      : file,
  );
  await publishAs(bucket, model, id);
  await bucket.put(fileKey(id, path), bytes);
  await bucket.put(manifestKey(id), JSON.stringify({ ...model.manifest, ...id, files }));
}

/** Restores a file of a model of `models/` as it was published. */
export async function restore(bucket: ModelBucket, name: string, path: string): Promise<void> {
  const { manifest, folder } = findModel(name);
  await bucket.put(fileKey(manifest, path), readFileSync(join(folder, path)));
}

import { keyRingOf } from "../../packages/cli/src/local/encryption.ts";
import { readModelFile } from "../../packages/cli/src/local/model-folder.ts";
import type { ModelBucket } from "../../scripts/local-worker.ts";
import type { ObjectStore } from "../../src/domain/object-store.ts";
import { createEncryptedObjectStore } from "../../src/storage/encrypted-object-store.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";
import { createR2ObjectStore } from "../../src/storage/r2-object-store.ts";
import { findModel } from "./publish.ts";

export const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString("base64");

/** The objects of a bucket as a Worker with {@link ENCRYPTION_KEY} reads and writes them. */
export function encryptedObjects(bucket: ModelBucket, key = ENCRYPTION_KEY): ObjectStore {
  const keys = keyRingOf({ ENCRYPTION_KEY: key });
  if (!keys) throw new Error("there is no key");
  // The same object, typed by Miniflare with the streams and headers of Node.
  return createEncryptedObjectStore(createR2ObjectStore(bucket as unknown as R2Bucket), keys);
}

/** Puts a model of `models/` into an encrypted bucket. */
export async function publishEncrypted(
  objects: ObjectStore,
  name: string,
  version = "1",
): Promise<void> {
  const model = findModel(name);
  const id = { name, version };
  for (const { path } of model.manifest.files)
    await objects.put(fileKey(id, path), readModelFile(model, path));
  const manifest = JSON.stringify({ ...model.manifest, ...id });
  await objects.put(manifestKey(id), new TextEncoder().encode(manifest));
}

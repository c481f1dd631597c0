import type { ModelBucket } from "../../scripts/local-worker.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";
import { type CacheForm, generationManifest, readGenerationFile } from "./generation-fixtures.ts";

/**
 * Puts the model of `test/fixtures/generation` into the bucket, with its cache in that form.
 * @returns its name
 */
export async function storeGeneration(bucket: ModelBucket, form: CacheForm): Promise<string> {
  const manifest = generationManifest(form);
  for (const { path } of manifest.files)
    await bucket.put(fileKey(manifest, path), readGenerationFile(path));
  await bucket.put(manifestKey(manifest), JSON.stringify(manifest));
  return manifest.name;
}

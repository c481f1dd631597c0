import type { ModelBucket } from "../../scripts/local-worker.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";
import {
  type EncoderDecoderForm,
  readWrittenFile,
  writtenTextManifest,
} from "./written-text-fixtures.ts";

/**
 * Puts the encoder-decoder of `test/fixtures/generation` into the bucket.
 * @param task of the version: `translation` and the like
 * @returns its name
 */
export async function storeWrittenText(
  bucket: ModelBucket,
  form: EncoderDecoderForm,
  task: string,
): Promise<string> {
  const manifest = writtenTextManifest(form, task);
  for (const { path } of manifest.files)
    await bucket.put(fileKey(manifest, path), readWrittenFile(path));
  await bucket.put(manifestKey(manifest), JSON.stringify(manifest));
  return manifest.name;
}

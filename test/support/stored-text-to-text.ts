import type { ModelBucket } from "../../scripts/local-worker.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";
import {
  type EncoderDecoderForm,
  readWrittenFile,
  textToTextManifest,
} from "./text-to-text-fixtures.ts";

/**
 * Puts the encoder-decoder of `test/fixtures/generation` into the bucket.
 * @param task of the version: `translation` and the like
 * @returns its name
 */
export async function storeTextToText(
  bucket: ModelBucket,
  form: EncoderDecoderForm,
  task: string,
): Promise<string> {
  const manifest = textToTextManifest(form, task);
  for (const { path } of manifest.files)
    await bucket.put(fileKey(manifest, path), readWrittenFile(path));
  await bucket.put(manifestKey(manifest), JSON.stringify(manifest));
  return manifest.name;
}

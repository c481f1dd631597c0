import { fileKey, manifestKey } from "../src/storage/model-keys.ts";
import type { ModelBucket } from "./local-worker.ts";
import { type FolderModel, readModelFolder } from "./model-folder.ts";
import { toVersionFiles } from "./version-files.ts";

export interface SeedResult {
  /** Versions of which a file or the manifest was written. */
  seeded: number;
  unchanged: number;
}

/**
 * Copies the models of a folder into the bucket where they differ. Other objects in the bucket
 * are kept, since they may be models that a user has published.
 * @param report called with one line for each version written
 * @throws UserError that names the model, version and file that differs from its manifest
 */
export async function seedModels(
  bucket: ModelBucket,
  modelsFolder: string,
  report: (line: string) => void = () => {},
): Promise<SeedResult> {
  const result: SeedResult = { seeded: 0, unchanged: 0 };
  for (const model of readModelFolder(modelsFolder)) {
    if (await seedVersion(bucket, model)) {
      result.seeded += 1;
      report(`seeded ${model.manifest.name} version ${model.manifest.version}`);
    } else {
      result.unchanged += 1;
    }
  }
  return result;
}

/** Writes the manifest last, because it makes the version exist. @returns whether anything was written */
async function seedVersion(bucket: ModelBucket, model: FolderModel): Promise<boolean> {
  const { manifest, manifestText, read } = await toVersionFiles(model);
  let written = false;
  for (const { path, sha256, sizeBytes } of manifest.files) {
    const bytes = read(path);
    const key = fileKey(manifest, path);
    const stored = await bucket.head(key);
    if (stored?.size === sizeBytes && stored.customMetadata?.sha256 === sha256) continue;
    await bucket.put(key, bytes, { customMetadata: { sha256 } });
    written = true;
  }
  const stored = await bucket.get(manifestKey(manifest));
  if ((await stored?.text()) === manifestText) return written;
  await bucket.put(manifestKey(manifest), manifestText, {
    httpMetadata: { contentType: "application/json" },
  });
  return true;
}

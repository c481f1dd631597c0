import { setTimeout as pause } from "node:timers/promises";
import { fileKey, manifestKey } from "../../../../src/storage/model-keys.ts";
import type { ModelBucket } from "./local-worker.ts";
import { type FolderModel, type ScannedFolder, scanModelFolder } from "./model-folder.ts";
import { reason, UserError } from "./user-error.ts";
import { toVersionFiles } from "./version-files.ts";

export interface SeedResult {
  /** Versions of which a file or the manifest was written. */
  seeded: number;
  unchanged: number;
}

export interface FolderSeedResult extends SeedResult {
  /** For each model or version that could not be seeded its name and the reason, in one line. */
  readonly problems: string[];
  /** The names of the models of which a version is in the bucket now. */
  readonly names: Set<string>;
}

/** Attempts for a version while storage fails: workerd may be restarting. */
const MAX_ATTEMPTS = 5;
const RETRY_AFTER_MS = 500;

/**
 * Copies the models of a folder into the bucket where they differ. Other objects in the bucket
 * are kept, since they may be models that a user has published.
 * @param report called with one line for each version written
 * @throws UserError that names the first model, version and file that is not valid, or differs from its manifest
 */
export async function seedModels(
  bucket: ModelBucket,
  modelsFolder: string,
  report: (line: string) => void = () => {},
): Promise<SeedResult> {
  const scanned = scanModelFolder(modelsFolder);
  const [invalid] = scanned.problems;
  if (invalid) throw new UserError(invalid);
  const { seeded, unchanged, problems } = await seedFolder(async () => bucket, scanned, report);
  const [problem] = problems;
  if (problem) throw new UserError(problem);
  return { seeded, unchanged };
}

/**
 * {@link seedModels} that skips what cannot be seeded, and reports it.
 * @param openBucket called for each attempt: a bucket cannot be used after workerd was restarted
 */
export async function seedFolder(
  openBucket: () => Promise<ModelBucket>,
  { models, problems }: ScannedFolder,
  report: (line: string) => void = () => {},
): Promise<FolderSeedResult> {
  const result: FolderSeedResult = {
    seeded: 0,
    unchanged: 0,
    problems: [...problems],
    names: new Set(),
  };
  for (const model of models) {
    const { name, version } = model.manifest;
    try {
      if (await withRetries(async () => seedVersion(await openBucket(), model))) {
        result.seeded += 1;
        report(`seeded ${name} version ${version}`);
      } else {
        result.unchanged += 1;
      }
      result.names.add(name);
    } catch (error) {
      const isNamed = error instanceof UserError;
      result.problems.push(
        isNamed ? error.message : `model ${name} version ${version}: ${reason(error)}`,
      );
    }
  }
  return result;
}

/** Tries again what failed because workerd was restarting. */
export async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UserError || attempt === MAX_ATTEMPTS) throw error;
      await pause(RETRY_AFTER_MS);
    }
  }
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

/** Below it lies the object that makes a local server ready, for each start another one. */
const READY_PREFIX = "ready/";

export function readyObject(start: string): string {
  return `${READY_PREFIX}${start}`;
}

/** Writes the object that `READY_OBJECT` names, in place of those of earlier starts. */
export async function markReady(bucket: ModelBucket, key: string): Promise<void> {
  await bucket.put(key, "");
  const { objects } = await bucket.list({ prefix: READY_PREFIX });
  const earlier = objects.map((object) => object.key).filter((other) => other !== key);
  if (earlier.length > 0) await bucket.delete(earlier);
}

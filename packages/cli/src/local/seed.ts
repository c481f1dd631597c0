import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { ModelId } from "../../../../src/domain/model-id.ts";
import type { ObjectStore } from "../../../../src/domain/object-store.ts";
import { tombstoneOf } from "../../../../src/domain/routing.ts";
import type { VersionDocumentStore } from "../../../../src/domain/version-document.ts";
import { toKnownBackground } from "../../../../src/registry/backgrounds/known-backgrounds.ts";
import { toKnownProfile } from "../../../../src/registry/profiles/known-profiles.ts";
import { readRouting } from "../../../../src/registry/routing/read-routing.ts";
import { createBackgroundStore } from "../../../../src/storage/background-store.ts";
import { createEncryptedObjectStore } from "../../../../src/storage/encrypted-object-store.ts";
import { storedSize } from "../../../../src/storage/encryption/format.ts";
import type { KeyRing } from "../../../../src/storage/encryption/key-ring.ts";
import { fileKey, manifestKey, signatureKey } from "../../../../src/storage/model-keys.ts";
import { createProfileStore } from "../../../../src/storage/profile-store.ts";
import { createR2ObjectStore } from "../../../../src/storage/r2-object-store.ts";
import { createRoutingStore } from "../../../../src/storage/routing-store.ts";
import { toStored } from "./encryption.ts";
import type { ModelBucket } from "./local-worker.ts";
import { type FolderModel, type ScannedFolder, scanModelFolder } from "./model-folder.ts";
import { reason, UserError } from "./user-error.ts";
import { toVersionFiles } from "./version-files.ts";

export interface SeedResult {
  /** Versions of which a file or the manifest was written. */
  seeded: number;
  unchanged: number;
  /** Versions that were deleted in the bucket, which are not written again. */
  deleted: number;
}

export interface FolderSeedResult extends SeedResult {
  /** For each model or version that could not be seeded its name and the reason, in one line. */
  readonly problems: string[];
  /** The names of the models of which a version is in the bucket now. */
  readonly names: Set<string>;
}

/** Beside the manifest, of a version that somebody has signed. */
const SIGNATURE_FILE = "signature.json";

/** Beside the manifest, of a version that has a reference profile. */
export const PROFILE_FILE = "profile.json";

/** Beside the manifest, of a version that has background rows. */
export const BACKGROUND_FILE = "background.json";

/** Attempts for a version while storage fails: workerd may be restarting. */
const MAX_ATTEMPTS = 5;
const RETRY_AFTER_MS = 500;

/**
 * Copies the models of a folder into the bucket where they differ. Other objects in the bucket
 * are kept, since they may be models that a user has published.
 * @param report called with one line for each version written
 * @param keys of the bucket, when it is encrypted
 * @throws UserError that names the first model, version and file that is not valid, or differs from its manifest
 */
export async function seedModels(
  bucket: ModelBucket,
  modelsFolder: string,
  report: (line: string) => void = () => {},
  keys?: KeyRing,
): Promise<SeedResult> {
  const scanned = scanModelFolder(modelsFolder);
  const [invalid] = scanned.problems;
  if (invalid) throw new UserError(invalid);
  const {
    problems,
    names: _,
    ...counts
  } = await seedFolder(async () => bucket, scanned, report, keys);
  const [problem] = problems;
  if (problem) throw new UserError(problem);
  return counts;
}

/**
 * {@link seedModels} that skips what cannot be seeded, and reports it.
 * @param openBucket called for each attempt: a bucket cannot be used after workerd was restarted
 */
export async function seedFolder(
  openBucket: () => Promise<ModelBucket>,
  { models, problems }: ScannedFolder,
  report: (line: string) => void = () => {},
  keys?: KeyRing,
): Promise<FolderSeedResult> {
  const result: FolderSeedResult = {
    seeded: 0,
    unchanged: 0,
    deleted: 0,
    problems: [...problems],
    names: new Set(),
  };
  for (const model of models) {
    const { name, version } = model.manifest;
    try {
      const outcome = await withRetries(async () => seedVersion(await openBucket(), model, keys));
      result[outcome] += 1;
      if (outcome === "seeded") report(`seeded ${name} version ${version}`);
      if (outcome === "deleted") report(`${name} version ${version} was deleted: not seeded`);
      else result.names.add(name);
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

/** Writes the manifest last, because it makes the version exist. */
async function seedVersion(
  bucket: ModelBucket,
  model: FolderModel,
  keys: KeyRing | undefined,
): Promise<keyof SeedResult> {
  const { manifest, manifestText, read } = await toVersionFiles(model);
  const storedManifest = await readText(bucket, manifestKey(manifest), keys);
  if (storedManifest === undefined && (await isDeleted(bucket, manifest, keys))) return "deleted";
  const keyId = await keys?.currentId();
  let written = false;
  for (const { path, sha256, sizeBytes } of manifest.files) {
    const bytes = read(path);
    const key = fileKey(manifest, path);
    const stored = await bucket.head(key);
    const isSame =
      stored?.size === (keys ? storedSize(sizeBytes) : sizeBytes) &&
      stored.customMetadata?.sha256 === sha256 &&
      stored.customMetadata.keyId === keyId;
    if (isSame) continue;
    const customMetadata = { sha256, ...(keyId && { keyId }) };
    await bucket.put(key, await toStored(keys, key, new Uint8Array(bytes)), { customMetadata });
    written = true;
  }
  const key = manifestKey(manifest);
  const signed = await seedSignature(bucket, model, manifestText, keys);
  if (storedManifest !== manifestText) {
    const bytes = new Uint8Array(new TextEncoder().encode(manifestText));
    await bucket.put(key, await toStored(keys, key, bytes), {
      httpMetadata: { contentType: "application/json" },
    });
    written = true;
  }
  const profiled = await seedProfile(bucket, model, keys);
  const explained = await seedBackground(bucket, model, keys);
  return written || signed || profiled || explained ? "seeded" : "unchanged";
}

/** A profile that somebody has set since, of the same model file, remains. @returns whether it was written */
async function seedProfile(
  bucket: ModelBucket,
  { manifest, folder }: FolderModel,
  keys: KeyRing | undefined,
): Promise<boolean> {
  return seedDocument(manifest, join(folder, PROFILE_FILE), {
    store: createProfileStore(toObjects(bucket, keys)),
    parse: async (value) => (await toKnownProfile(manifest, value))?.profile,
  });
}

/** Background rows as {@link seedProfile}: those that the command `background show --json` prints. @returns whether they were written */
async function seedBackground(
  bucket: ModelBucket,
  { manifest, folder }: FolderModel,
  keys: KeyRing | undefined,
): Promise<boolean> {
  return seedDocument(manifest, join(folder, BACKGROUND_FILE), {
    store: createBackgroundStore(toObjects(bucket, keys)),
    parse: async (value) => (await toKnownBackground(manifest, value))?.background,
  });
}

async function seedDocument(
  id: ModelId,
  file: string,
  {
    store,
    parse,
  }: {
    readonly store: VersionDocumentStore;
    /** `undefined` for what is no document of the version. */
    readonly parse: (value: unknown) => Promise<object | undefined>;
  },
): Promise<boolean> {
  if (!existsSync(file)) return false;
  // One that cannot be read is none.
  const stored = await store.read(id).catch(() => undefined);
  if (stored && (await parse(stored.value))) return false;
  const document = await parse(JSON.parse(readFileSync(file, "utf8")));
  if (!document)
    throw new UserError(
      `model ${id.name} version ${id.version}: ${basename(file)} is not valid, or of another model file`,
    );
  await store.write(id, document);
  return true;
}

/** Whether the version was deleted, and its number is not to be used again. */
async function isDeleted(
  bucket: ModelBucket,
  { name, version }: ModelId,
  keys: KeyRing | undefined,
): Promise<boolean> {
  const store = createRoutingStore(toObjects(bucket, keys));
  const { routing } = await readRouting(store, name);
  return tombstoneOf(routing, version) !== undefined;
}

/** Of a version that has one, for its manifest as it is stored. @returns whether it was written */
async function seedSignature(
  bucket: ModelBucket,
  { manifest, folder }: FolderModel,
  manifestText: string,
  keys: KeyRing | undefined,
): Promise<boolean> {
  const file = join(folder, SIGNATURE_FILE);
  if (!existsSync(file)) return false;
  const signature = readFileSync(file, "utf8");
  const key = signatureKey(manifest, createHash("sha256").update(manifestText).digest("hex"));
  if ((await readText(bucket, key, keys)) === signature) return false;
  const bytes = new Uint8Array(new TextEncoder().encode(signature));
  await bucket.put(key, await toStored(keys, key, bytes), {
    httpMetadata: { contentType: "application/json" },
  });
  return true;
}

/** `undefined` also for what the Worker cannot read, such as an object that is not encrypted although there are keys. */
async function readText(
  bucket: ModelBucket,
  key: string,
  keys: KeyRing | undefined,
): Promise<string | undefined> {
  if (!keys) return (await bucket.get(key))?.text();
  try {
    const object = await toObjects(bucket, keys).get(key);
    return object && (await new Response(object.body).text());
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

function toObjects(bucket: ModelBucket, keys: KeyRing | undefined): ObjectStore {
  // The same object, typed by Miniflare with the streams and headers of Node.
  const objects = createR2ObjectStore(bucket as unknown as R2Bucket);
  return keys ? createEncryptedObjectStore(objects, keys) : objects;
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

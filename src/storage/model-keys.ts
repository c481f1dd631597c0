import { MANIFEST_FILE } from "../domain/manifest-text.ts";
import { MODEL_NAME, MODEL_VERSION, type ModelId } from "../domain/model-id.ts";
import { type FileIdentity, PARTS_FOLDER } from "../domain/upload.ts";

/** The keys of object storage, as `docs/storage.md` documents them. */

export const MODELS_PREFIX = "models/";
export const UPLOADS_PREFIX = "uploads/";
export const CAPTURES_PREFIX = "captures/";
/** So that keys of parts are in their order. */
const OFFSET_DIGITS = 12;
const PROFILE_FILE = "~profile.json";
const BACKGROUND_FILE = "~background.json";
const PART = /^(.+)\.parts\/([0-9a-f]{64})-(\d{1,15})\/(\d{12})$/s;

export function modelPrefix(name: string): string {
  return `${MODELS_PREFIX}${name}/`;
}

export function fileKey({ name, version }: ModelId, path: string): string {
  return `${modelPrefix(name)}${version}/${path}`;
}

/** The key of an upload, or the prefix of all uploads of a version. */
export function uploadKey({ name, version }: ModelId, path = ""): string {
  return `${UPLOADS_PREFIX}${name}/${version}/${path}`;
}

/** The key of a part of a file: parts of other files of the same path cannot mix with it. */
export function uploadPartKey(
  id: ModelId,
  path: string,
  { sha256, sizeBytes }: FileIdentity,
  start: number,
): string {
  const offset = String(start).padStart(OFFSET_DIGITS, "0");
  return `${uploadKey(id, path)}${PARTS_FOLDER}${sha256}-${sizeBytes}/${offset}`;
}

/** What a key of an upload says, without the prefix of its version. */
export function fromUploadKey(name: string): {
  readonly path: string;
  /** Of a part; `undefined` for a file that was sent as a whole. */
  readonly file: FileIdentity | undefined;
  readonly start: number;
} {
  const [, path, sha256, sizeBytes, start] = PART.exec(name) ?? [];
  if (path === undefined || sha256 === undefined) return { path: name, file: undefined, start: 0 };
  return { path, file: { sha256, sizeBytes: Number(sizeBytes) }, start: Number(start) };
}

/** Says that a publication uses a folder whose name others know; no file has this name. */
export function claimKey(id: ModelId, folder: string): string {
  return fileKey(id, `${folder}/~claim`);
}

export function manifestKey(id: ModelId): string {
  return fileKey(id, MANIFEST_FILE);
}

export function routingKey(name: string): string {
  return `${modelPrefix(name)}routing.json`;
}

/** The prefix of older parts of a model's history, each named by its first revision. */
export function historyPrefix(name: string): string {
  return `${modelPrefix(name)}routing/`;
}

export function historyKey(name: string, firstRevision: number): string {
  return `${historyPrefix(name)}${firstRevision}.json`;
}

/** The first revision of the part of a history that has this key, or `undefined` for any other key. */
export function fromHistoryKey(name: string, key: string): number | undefined {
  const revision = /^([1-9][0-9]{0,14})\.json$/.exec(key.slice(historyPrefix(name).length))?.[1];
  return revision === undefined ? undefined : Number(revision);
}

/**
 * The key of the signature of a manifest, which has the digest of what it signs: that of another publication never has this key.
 * @param digest SHA-256 of the manifest's text, in hexadecimal
 */
export function signatureKey(id: ModelId, digest: string): string {
  return fileKey(id, `signatures/${digest}.json`);
}

/** The reference profile of a version; no file of a version has this name. */
export function profileKey(id: ModelId): string {
  return fileKey(id, PROFILE_FILE);
}

/** The version whose profile a key is, or `undefined` for any other key. */
export function fromProfileKey(key: string): ModelId | undefined {
  return fromVersionKey(key, PROFILE_FILE);
}

/** The background rows of a version; no file of a version has this name. */
export function backgroundKey(id: ModelId): string {
  return fileKey(id, BACKGROUND_FILE);
}

/** The version whose background rows a key is, or `undefined` for any other key. */
export function fromBackgroundKey(key: string): ModelId | undefined {
  return fromVersionKey(key, BACKGROUND_FILE);
}

/** The version whose manifest a key is, or `undefined` for any other key. */
export function fromManifestKey(key: string): ModelId | undefined {
  return fromVersionKey(key, MANIFEST_FILE);
}

function fromVersionKey(key: string, expected: string): ModelId | undefined {
  const [root, name, version, file, ...rest] = key.split("/");
  if (`${root}/` !== MODELS_PREFIX || file !== expected || rest.length > 0) return undefined;
  if (!name || !version || !MODEL_NAME.test(name) || !MODEL_VERSION.test(version)) return undefined;
  return { name, version };
}

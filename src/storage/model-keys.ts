import { MODEL_NAME, MODEL_VERSION, type ModelId } from "../domain/model-id.ts";

/** The keys of object storage, as `docs/storage.md` documents them. */

export const MODELS_PREFIX = "models/";
const UPLOADS_PREFIX = "uploads/";
const MANIFEST = "manifest.json";

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

export function manifestKey(id: ModelId): string {
  return fileKey(id, MANIFEST);
}

/** The version whose manifest a key is, or `undefined` for any other key. */
export function fromManifestKey(key: string): ModelId | undefined {
  const [root, name, version, file, ...rest] = key.split("/");
  if (`${root}/` !== MODELS_PREFIX || file !== MANIFEST || rest.length > 0) return undefined;
  if (!name || !version || !MODEL_NAME.test(name) || !MODEL_VERSION.test(version)) return undefined;
  return { name, version };
}

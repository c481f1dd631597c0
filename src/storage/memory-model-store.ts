import { ApiError } from "../domain/errors.ts";
import { compareVersions, formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ListedVersion, ModelStore, ModelWriter } from "../domain/ports.ts";
import { parseManifestJson } from "./manifest-json.ts";
import { fileKey, fromManifestKey, manifestKey, modelPrefix, uploadKey } from "./model-keys.ts";

const ENCODER = new TextEncoder();

/** Published models in memory, by the same keys as in R2; for tests and for embedding. */
export function createMemoryModelStore(
  objects: Map<string, Uint8Array<ArrayBuffer>> = new Map(),
): ModelStore & ModelWriter {
  const publishedAt = Date.now();
  const list = (prefix = ""): ListedVersion[] =>
    [...objects.keys()].flatMap((key) => {
      const id = key.startsWith(prefix) ? fromManifestKey(key) : undefined;
      // The manifest's text is the revision: it differs when the version is published again.
      return id ? [{ ...id, revision: readText(key) ?? "", publishedAt }] : [];
    });
  const readText = (key: string): string | undefined => {
    const bytes = objects.get(key);
    return bytes && new TextDecoder().decode(bytes);
  };
  const put = async (
    key: string,
    body: ReadableStream<Uint8Array>,
    sizeBytes: number,
    notWritten: (cause: unknown) => ApiError,
  ): Promise<void> => {
    const bytes = await readBytes(body).catch((cause: unknown) => {
      throw notWritten(cause);
    });
    if (bytes.byteLength !== sizeBytes)
      throw notWritten(new Error(`${bytes.byteLength} bytes instead of ${sizeBytes}`));
    objects.set(key, bytes);
  };
  const deleteAll = (prefix: string): void => {
    for (const key of [...objects.keys()]) if (key.startsWith(prefix)) objects.delete(key);
  };
  return {
    list: async () => list(),
    versions: async (name) =>
      list(modelPrefix(name)).sort((a, b) => compareVersions(a.version, b.version)),
    manifest: async (id) => {
      const text = readText(manifestKey(id));
      return text === undefined ? undefined : parseManifestJson(id, text);
    },
    file: async (id, path) => {
      const bytes = objects.get(fileKey(id, path));
      return bytes ? { sizeBytes: bytes.byteLength, body: new Blob([bytes]).stream() } : undefined;
    },
    hasObject: async (key) => objects.has(key),
    putFile: (id, path, body, sizeBytes) =>
      put(fileKey(id, path), body, sizeBytes, (cause) => notWritten(id, path, cause)),
    putUpload: (id, path, body, sizeBytes) =>
      put(uploadKey(id, path), body, sizeBytes, (cause) => notWritten(id, path, cause)),
    upload: async (id, path, offset = 0) => {
      const bytes = objects.get(uploadKey(id, path));
      if (!bytes) return undefined;
      return { sizeBytes: bytes.byteLength, body: new Blob([bytes.subarray(offset)]).stream() };
    },
    deleteUploads: async (id) => deleteAll(uploadKey(id)),
    deleteFile: async (id, path) => void objects.delete(fileKey(id, path)),
    publish: async (manifest) => {
      const key = manifestKey(manifest);
      if (objects.has(key)) return false;
      objects.set(key, new Uint8Array(ENCODER.encode(JSON.stringify(manifest))));
      return true;
    },
    remove: async (id) => {
      const existed = objects.delete(manifestKey(id));
      deleteAll(fileKey(id, ""));
      deleteAll(uploadKey(id));
      return existed;
    },
  };
}

async function readBytes(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}

function notWritten(id: ModelId, path: string, cause: unknown): ApiError {
  return new ApiError(
    "storage_failed",
    `Storage failed: ${path} of ${formatModelId(id)} could not be written. Try again.`,
    { cause },
  );
}

import { compareVersions, type ModelId } from "../domain/model-id.ts";
import type { ModelStore } from "../domain/ports.ts";
import { parseManifestJson } from "./manifest-json.ts";
import { fileKey, fromManifestKey, manifestKey, modelPrefix } from "./model-keys.ts";

/** Published models in memory, by the same keys as in R2; for tests and for embedding. */
export function createMemoryModelStore(
  objects: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): ModelStore {
  const ids = (prefix = ""): ModelId[] =>
    [...objects.keys()].flatMap((key) => {
      const id = key.startsWith(prefix) ? fromManifestKey(key) : undefined;
      return id ? [id] : [];
    });
  const revisionOf = async (id: ModelId): Promise<string> => {
    const digest = await crypto.subtle.digest(
      "SHA-256",
      objects.get(manifestKey(id)) ?? new Uint8Array(),
    );
    return new Uint8Array(digest).toHex();
  };
  return {
    list: async () => ids(),
    versions: async (name) =>
      Promise.all(
        ids(modelPrefix(name))
          .sort((a, b) => compareVersions(a.version, b.version))
          .map(async (id) => ({ version: id.version, revision: await revisionOf(id) })),
      ),
    manifest: async (id) => {
      const bytes = objects.get(manifestKey(id));
      return bytes ? parseManifestJson(id, new TextDecoder().decode(bytes)) : undefined;
    },
    file: async (id, path) => {
      const bytes = objects.get(fileKey(id, path));
      return bytes ? { sizeBytes: bytes.byteLength, body: new Blob([bytes]).stream() } : undefined;
    },
  };
}

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
  const readText = (key: string): string | undefined => {
    const bytes = objects.get(key);
    return bytes && new TextDecoder().decode(bytes);
  };
  return {
    list: async () => ids(),
    versions: async (name) =>
      ids(modelPrefix(name))
        // The manifest's text is the revision: it differs when the version is published again.
        .map((id) => ({ version: id.version, revision: readText(manifestKey(id)) ?? "" }))
        .sort((a, b) => compareVersions(a.version, b.version)),
    manifest: async (id) => {
      const text = readText(manifestKey(id));
      return text === undefined ? undefined : parseManifestJson(id, text);
    },
    file: async (id, path) => {
      const bytes = objects.get(fileKey(id, path));
      return bytes ? { sizeBytes: bytes.byteLength, body: new Blob([bytes]).stream() } : undefined;
    },
  };
}

import { ApiError } from "../domain/errors.ts";
import { compareVersions, formatModelId } from "../domain/model-id.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import type { ListedVersion, ModelStore, ModelWriter } from "../domain/ports.ts";
import { parseManifestJson } from "./manifest-json.ts";
import {
  fileKey,
  fromManifestKey,
  MODELS_PREFIX,
  manifestKey,
  modelPrefix,
  uploadKey,
} from "./model-keys.ts";

const ENCODER = new TextEncoder();

/** Published models in object storage, by the keys that `docs/storage.md` documents. */
export function createModelStore(objects: ObjectStore): ModelStore & ModelWriter {
  async function listVersions(prefix: string): Promise<ListedVersion[]> {
    const found: ListedVersion[] = [];
    for await (const { key, etag, writtenAt } of objects.list(prefix)) {
      const id = fromManifestKey(key);
      if (id) found.push({ ...id, revision: etag, publishedAt: writtenAt });
    }
    return found;
  }

  async function deleteAll(prefix: string): Promise<void> {
    await objects.delete((await Array.fromAsync(objects.list(prefix))).map(({ key }) => key));
  }

  return {
    list: () => guarded("the models could not be listed", () => listVersions(MODELS_PREFIX)),

    versions: (name) =>
      guarded(`the versions of model "${name}" could not be listed`, async () => {
        const versions = await listVersions(modelPrefix(name));
        return versions.sort((a, b) => compareVersions(a.version, b.version));
      }),

    manifest: (id) =>
      guarded(`the manifest of ${formatModelId(id)} could not be read`, async () => {
        const object = await objects.get(manifestKey(id));
        return object ? parseManifestJson(id, await new Response(object.body).text()) : undefined;
      }),

    file: (id, path) =>
      guarded(`${path} of ${formatModelId(id)} could not be read`, () =>
        objects.get(fileKey(id, path)),
      ),

    hasObject: (key) =>
      guarded(
        `the object ${key} could not be read`,
        async () => (await objects.head(key)) !== undefined,
      ),

    putFile: (id, path, body, sizeBytes) =>
      guarded(`${path} of ${formatModelId(id)} could not be written`, async () => {
        await objects.putStream(fileKey(id, path), body, sizeBytes);
      }),

    putUpload: (id, path, body, sizeBytes) =>
      guarded(`upload ${path} of ${formatModelId(id)} could not be written`, async () => {
        await objects.putStream(uploadKey(id, path), body, sizeBytes);
      }),

    upload: (id, path, offset) =>
      guarded(`upload ${path} of ${formatModelId(id)} could not be read`, () =>
        objects.get(uploadKey(id, path), offset),
      ),

    deleteUploads: (id) =>
      guarded(`the uploads of ${formatModelId(id)} could not be deleted`, () =>
        deleteAll(uploadKey(id)),
      ),

    deleteFile: (id, path) =>
      guarded(`${path} of ${formatModelId(id)} could not be deleted`, () =>
        objects.delete([fileKey(id, path)]),
      ),

    publish: (manifest) =>
      guarded(`${formatModelId(manifest)} could not be published`, async () => {
        const written = await objects.put(
          manifestKey(manifest),
          ENCODER.encode(`${JSON.stringify(manifest, null, 2)}\n`),
          // Only if there is none, so that of concurrent publications of one version only one succeeds.
          { onlyIf: { absent: true }, contentType: "application/json" },
        );
        return written !== undefined;
      }),

    remove: (id) =>
      guarded(`${formatModelId(id)} could not be deleted`, async () => {
        const existed = (await objects.head(manifestKey(id))) !== undefined;
        // The manifest first: without it the version does not exist, even if a later deletion fails.
        await objects.delete([manifestKey(id)]);
        await deleteAll(fileKey(id, ""));
        await deleteAll(uploadKey(id));
        return existed;
      }),
  };
}

async function guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError("storage_failed", `Object storage failed: ${what}. Try again.`, { cause });
  }
}

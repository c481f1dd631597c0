import { compareVersions, formatModelId } from "../domain/model-id.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import type { ListedVersion, ModelStore, ModelWriter, StoredVersion } from "../domain/ports.ts";
import { guarded } from "./guarded.ts";
import { parseManifestJson } from "./manifest-json.ts";
import {
  fileKey,
  fromManifestKey,
  MODELS_PREFIX,
  manifestKey,
  modelPrefix,
  routingKey,
  uploadKey,
} from "./model-keys.ts";
import { createRoutingStore } from "./routing-store.ts";

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

  const readPublication: ModelStore["publication"] = (id) =>
    guarded(`the manifest of ${formatModelId(id)} could not be read`, async () => {
      const object = await objects.get(manifestKey(id));
      if (!object) return undefined;
      const text = await new Response(object.body).text();
      return { manifest: parseManifestJson(id, text), revision: object.etag };
    });

  return {
    list: () => guarded("the models could not be listed", () => listVersions(MODELS_PREFIX)),

    versions: (name) =>
      guarded(`the versions of model "${name}" could not be listed`, async () => {
        const versions = await listVersions(modelPrefix(name));
        return versions.sort((a, b) => compareVersions(a.version, b.version));
      }),

    listing: (name) =>
      guarded(`the versions of model "${name}" could not be listed`, async () => {
        const versions: StoredVersion[] = [];
        let routingEtag: string | undefined;
        for await (const { key, etag, writtenAt } of objects.list(modelPrefix(name))) {
          const id = fromManifestKey(key);
          if (id) versions.push({ version: id.version, revision: etag, publishedAt: writtenAt });
          else if (key === routingKey(name)) routingEtag = etag;
        }
        versions.sort((a, b) => compareVersions(a.version, b.version));
        return { versions, routingEtag };
      }),

    routing: createRoutingStore(objects).routing,

    manifest: async (id) => (await readPublication(id))?.manifest,

    publication: readPublication,

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

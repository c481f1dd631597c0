import { ApiError } from "../domain/errors.ts";
import { compareVersions, formatModelId } from "../domain/model-id.ts";
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

/** Published models in an R2 bucket. R2 is strongly consistent, so a listing is current. */
export function createR2ModelStore(bucket: R2Bucket): ModelStore & ModelWriter {
  /** R2 lists up to 1,000 keys in one call. */
  async function listVersions(prefix: string): Promise<ListedVersion[]> {
    const found: ListedVersion[] = [];
    let cursor: string | undefined;
    do {
      const page: R2Objects = await bucket.list(cursor ? { prefix, cursor } : { prefix });
      for (const { key, etag, uploaded } of page.objects) {
        const id = fromManifestKey(key);
        if (id) found.push({ ...id, revision: etag, publishedAt: uploaded.getTime() });
      }
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor);
    return found;
  }

  async function put(
    key: string,
    body: ReadableStream<Uint8Array>,
    sizeBytes: number,
  ): Promise<void> {
    // R2 accepts only streams of known length.
    const { readable, writable } = new FixedLengthStream(sizeBytes);
    await Promise.all([body.pipeTo(writable), bucket.put(key, readable)]);
  }

  async function deleteAll(prefix: string): Promise<void> {
    for (;;) {
      const { objects } = await bucket.list({ prefix });
      if (objects.length === 0) return;
      await bucket.delete(objects.map(({ key }) => key));
    }
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
        const object = await bucket.get(manifestKey(id));
        return object ? parseManifestJson(id, await object.text()) : undefined;
      }),

    file: (id, path) =>
      guarded(`${path} of ${formatModelId(id)} could not be read`, async () => {
        const object = await bucket.get(fileKey(id, path));
        return object ? { sizeBytes: object.size, body: object.body } : undefined;
      }),

    hasObject: (key) =>
      guarded(`the object ${key} could not be read`, async () => (await bucket.head(key)) !== null),

    putFile: (id, path, body, sizeBytes) =>
      guarded(`${path} of ${formatModelId(id)} could not be written`, () =>
        put(fileKey(id, path), body, sizeBytes),
      ),

    putUpload: (id, path, body, sizeBytes) =>
      guarded(`upload ${path} of ${formatModelId(id)} could not be written`, () =>
        put(uploadKey(id, path), body, sizeBytes),
      ),

    upload: (id, path, offset = 0) =>
      guarded(`upload ${path} of ${formatModelId(id)} could not be read`, async () => {
        const key = uploadKey(id, path);
        const object = await (offset > 0
          ? bucket.get(key, { range: { offset } })
          : bucket.get(key));
        return object ? { sizeBytes: object.size, body: object.body } : undefined;
      }),

    deleteUploads: (id) =>
      guarded(`the uploads of ${formatModelId(id)} could not be deleted`, () =>
        deleteAll(uploadKey(id)),
      ),

    deleteFile: (id, path) =>
      guarded(`${path} of ${formatModelId(id)} could not be deleted`, () =>
        bucket.delete(fileKey(id, path)),
      ),

    publish: (manifest) =>
      guarded(`${formatModelId(manifest)} could not be published`, async () => {
        const written = await bucket.put(
          manifestKey(manifest),
          `${JSON.stringify(manifest, null, 2)}\n`,
          // Only if there is none, so that of concurrent publications of one version only one succeeds.
          { httpMetadata: { contentType: "application/json" }, onlyIf: { etagDoesNotMatch: "*" } },
        );
        return written !== null;
      }),

    remove: (id) =>
      guarded(`${formatModelId(id)} could not be deleted`, async () => {
        const existed = (await bucket.head(manifestKey(id))) !== null;
        // The manifest first: without it the version does not exist, even if a later deletion fails.
        await bucket.delete(manifestKey(id));
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

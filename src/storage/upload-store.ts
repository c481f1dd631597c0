import { ApiError } from "../domain/errors.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { ObjectStore, StoredObject } from "../domain/object-store.ts";
import { partsInOrder, type Upload, type UploadPart } from "../domain/upload.ts";
import type { UploadStore } from "../domain/upload-store.ts";
import { noteFailure, writeBytes } from "../shared/pump-bytes.ts";
import { quote } from "../shared/quote.ts";
import { guarded } from "./guarded.ts";
import { fromUploadKey, uploadKey, uploadPartKey } from "./model-keys.ts";

/** Files of versions that are not published yet, by the keys that `docs/storage.md` documents. */
export function createUploadStore(objects: ObjectStore): UploadStore {
  const listKeys = async (prefix: string): Promise<StoredObject[]> =>
    Array.fromAsync(objects.list(prefix));

  return {
    list: (id) =>
      guarded(`the uploads of ${formatModelId(id)} could not be listed`, async () => {
        const prefix = uploadKey(id);
        return toUploads(await listKeys(prefix), prefix);
      }),

    putWhole: (id, path, body, sizeBytes) =>
      guarded(`upload ${path} of ${formatModelId(id)} could not be written`, async () => {
        await objects.putStream(uploadKey(id, path), body, sizeBytes);
      }),

    putPart: (id, path, file, { start, end }, body) =>
      guarded(`a part of upload ${path} of ${formatModelId(id)} could not be written`, async () => {
        await objects.putStream(uploadPartKey(id, path, file, start), body, end - start + 1);
      }),

    open: (id, upload, offset = 0) => {
      const { readable, writable } = new IdentityTransformStream();
      const writer = writable.getWriter();
      guarded(`upload ${upload.path} of ${formatModelId(id)} could not be read`, () =>
        writeParts(objects, upload, offset, writer),
      ).catch((error: unknown) => {
        noteFailure(readable, error);
        return writer.abort(error).catch(() => undefined);
      });
      return readable;
    },

    delete: (id, uploads) =>
      guarded(`the uploads of ${formatModelId(id)} could not be deleted`, async () => {
        const keys = uploads
          ? uploads.flatMap(({ parts }) => parts.map(({ key }) => key))
          : (await listKeys(uploadKey(id))).map(({ key }) => key);
        if (keys.length > 0) await objects.delete(keys);
        return keys.length;
      }),
  };
}

function toUploads(listed: readonly StoredObject[], prefix: string): Upload[] {
  const files = new Map<string, Upload & { readonly parts: UploadPart[] }>();
  for (const { key, sizeBytes: partBytes, writtenAt } of listed) {
    const { path, file, start } = fromUploadKey(key.slice(prefix.length));
    const { sha256, sizeBytes } = file ?? { sha256: undefined, sizeBytes: partBytes };
    const name = `${path}/${sha256}/${sizeBytes}`;
    const known = files.get(name);
    const parts = known?.parts ?? [];
    parts.push({ key, start, end: start + partBytes - 1 });
    const latest = Math.max(known?.writtenAt ?? 0, writtenAt);
    files.set(name, { path, sha256, sizeBytes, parts, writtenAt: latest });
  }
  return [...files.values()].sort((a, b) => compareTexts(a.path, b.path));
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The parts one after the other. */
async function writeParts(
  objects: ObjectStore,
  upload: Upload,
  offset: number,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  const parts = partsInOrder(upload);
  if (!parts) throw lost(upload);
  for (const { key, start, end } of parts) {
    if (end < offset) continue;
    const object = await objects.get(key, Math.max(0, offset - start));
    if (!object || object.sizeBytes !== end - start + 1) {
      await object?.body.cancel();
      throw lost(upload);
    }
    await writeBytes(object.body, writer);
  }
  await writer.close();
}

function lost({ path }: Upload): ApiError {
  return new ApiError(
    "storage_failed",
    `The uploaded file ${quote(path)} was changed or deleted while it was read; send it again.`,
  );
}

import type { ByteRange } from "../domain/byte-ranges.ts";
import { ApiError } from "../domain/errors.ts";
import type { ModelId } from "../domain/model-id.ts";
import type { ModelStore } from "../domain/ports.ts";
import { checkPart, checkUploadPath, type FileIdentity, type Upload } from "../domain/upload.ts";
import type { UploadStore } from "../domain/upload-store.ts";
import { checkDigest } from "./publishing/check-digest.ts";
import { isTaken, versionExists } from "./publishing/commit.ts";
import { storeHashed } from "./publishing/write-model.ts";

/** A file, or a part of one, that arrives for a version. */
export interface ArrivingFile {
  readonly path: string;
  readonly body: ReadableStream<Uint8Array>;
  /** Of the body. */
  readonly sizeBytes: number;
  /** Where the body is in the file; `undefined` for the whole file. */
  readonly part?: (ByteRange & { readonly sizeBytes: number }) | undefined;
  /** SHA-256 of the whole file in hexadecimal. */
  readonly sha256?: string | undefined;
  /** Of the body. */
  readonly contentSha256?: string | undefined;
}

/** Files of versions that are not published yet. */
export interface Uploads {
  /**
   * Stores a file, or a part of one. Parts may arrive in any order, several at once, and again.
   * @returns what of the file has arrived
   * @throws ApiError `version_exists`, `invalid_request`, `digest_mismatch`, `storage_failed`
   */
  put(id: ModelId, file: ArrivingFile): Promise<Upload>;
  list(id: ModelId): Promise<readonly Upload[]>;
  /** Deletes what was sent for a version; returns the number of objects. */
  drop(id: ModelId): Promise<number>;
}

export function createUploads(store: Pick<ModelStore, "manifest">, uploads: UploadStore): Uploads {
  const find = async (id: ModelId, path: string, file: FileIdentity): Promise<Upload | undefined> =>
    (await uploads.list(id)).find(
      (upload) =>
        upload.path === path &&
        upload.sha256 === file.sha256 &&
        upload.sizeBytes === file.sizeBytes,
    );

  async function putPart(
    id: ModelId,
    { path, body, contentSha256 }: ArrivingFile,
    file: FileIdentity,
    range: ByteRange,
  ): Promise<Upload> {
    const isWhole = range.end - range.start + 1 === file.sizeBytes;
    const before = await find(id, path, file);
    if (!isWhole) checkPart(before, path, range);
    const sha256 = await storeHashed(body, (hashed) =>
      uploads.putPart(id, path, file, range, hashed),
    );
    const written = await find(id, path, file);
    try {
      checkDigest(id, path, sha256, {
        "content-digest": contentSha256,
        ...(isWhole && { "repr-digest": file.sha256 }),
      });
    } catch (error) {
      const parts = written?.parts.filter(({ start }) => start === range.start) ?? [];
      if (written) await uploads.delete(id, [{ ...written, parts }]);
      throw error;
    }
    if (!written) throw new ApiError("storage_failed", `${path} was deleted while it was sent.`);
    if (!isWhole) return written;
    // The file is there as a whole, so the parts of it that had arrived before are not needed.
    const others = written.parts.filter(({ start }) => start !== range.start);
    if (others.length > 0) await uploads.delete(id, [{ ...written, parts: others }]);
    return { ...written, parts: written.parts.filter(({ start }) => start === range.start) };
  }

  return {
    async put(id, file) {
      const { path, body, sizeBytes, part, sha256, contentSha256 } = file;
      checkUploadPath(path);
      if (await isTaken(store, id)) throw versionExists(id);
      if (part) {
        if (sha256 === undefined)
          throw new ApiError(
            "invalid_request",
            "A part needs the header repr-digest with the SHA-256 of the whole file, by which parts belong together: repr-digest: sha-256=:BASE64: (RFC 9530).",
            { details: { header: "repr-digest" } },
          );
        return putPart(id, file, { sha256, sizeBytes: part.sizeBytes }, part);
      }
      const whole = { start: 0, end: sizeBytes - 1 };
      if (sha256 !== undefined) return putPart(id, file, { sha256, sizeBytes }, whole);
      const actual = await storeHashed(body, (hashed) =>
        uploads.putWhole(id, path, hashed, sizeBytes),
      );
      const written = (await uploads.list(id)).find(
        (upload) => upload.path === path && upload.sha256 === undefined,
      );
      if (!written) throw new ApiError("storage_failed", `${path} was deleted while it was sent.`);
      try {
        checkDigest(id, path, actual, { "content-digest": contentSha256 });
      } catch (error) {
        await uploads.delete(id, [written]);
        throw error;
      }
      return { ...written, sha256: actual };
    },
    list: (id) => uploads.list(id),
    drop: (id) => uploads.delete(id),
  };
}

import type { ByteRange } from "./byte-ranges.ts";
import type { ModelId } from "./model-id.ts";
import type { FileIdentity, Upload } from "./upload.ts";

/** Files that were sent for versions that are not published yet; they are no parts of versions. */
export interface UploadStore {
  /** The files of a version, by their paths; several of one path differ in their bytes. */
  list(id: ModelId): Promise<readonly Upload[]>;
  /**
   * Writes a file, in place of one that was sent as a whole before. A body that fails, or that is not `sizeBytes` long, writes nothing.
   * @throws ApiError `storage_failed`, as all methods
   */
  putWhole(
    id: ModelId,
    path: string,
    body: ReadableStream<Uint8Array>,
    sizeBytes: number,
  ): Promise<void>;
  /**
   * Writes a part of a file, in place of one with the same first byte.
   * @param body as long as the range
   */
  putPart(
    id: ModelId,
    path: string,
    file: FileIdentity,
    range: ByteRange,
    body: ReadableStream<Uint8Array>,
  ): Promise<void>;
  /**
   * The bytes of a complete file. Its parts are opened one after the other.
   * @param offset where they begin
   * @throws ApiError `storage_failed` of the stream, when a part was changed or deleted meanwhile
   */
  open(id: ModelId, upload: Upload, offset?: number): ReadableStream<Uint8Array>;
  /** Deletes files of a version, by default all; returns the number of deleted objects. */
  delete(id: ModelId, uploads?: readonly Upload[]): Promise<number>;
}

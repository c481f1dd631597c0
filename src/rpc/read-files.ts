import type { BodyReservation } from "../domain/body-budget.ts";
import type { Deadline } from "../domain/deadline.ts";
import { ApiError } from "../domain/errors.ts";
import { Media, mediaType } from "../domain/media.ts";
import { recognizeMedia } from "../domain/recognize-media.ts";
import { settleBefore } from "../domain/settle-before.ts";
import { collectStream } from "../shared/collect-stream.ts";
import { argumentTooLarge, type FileSource, type FoundFile } from "./value-reader.ts";

export interface ReadFilesOptions {
  /** Of the whole argument. */
  readonly maxBytes: number;
  /** What of it has been read. */
  readonly readBytes: number;
  readonly reservation: BodyReservation;
  readonly deadline: Deadline;
}

/** A file whose bytes are in memory. */
export interface ReadFile {
  readonly type: string;
  readonly bytes: Uint8Array;
  replace(value: unknown): void;
}

/**
 * Reads the files of a value into memory, and replaces them by {@link Media} of their declared types.
 * @returns them, and how many bytes the argument has
 * @throws ApiError `body_too_large`, `body_timeout`, `overloaded`, `invalid_request`
 */
export async function readFiles(
  found: readonly FoundFile[],
  options: ReadFilesOptions,
): Promise<{ readonly files: readonly ReadFile[]; readonly sizeBytes: number }> {
  let sizeBytes = options.readBytes;
  const files: ReadFile[] = [];
  for (const { path, source, replace } of found) {
    const { type, bytes } = await readFile(source, path, { ...options, readBytes: sizeBytes });
    // Those of an array were counted where it was found.
    if (bytes !== source) sizeBytes += bytes.byteLength;
    replace(new Media(type, bytes));
    files.push({ type, bytes, replace });
  }
  return { files, sizeBytes };
}

/** Replaces the files by {@link Media} of the types that the model's task takes. */
export function recognizeFiles(files: readonly ReadFile[], mediaTypes: readonly string[]): void {
  for (const { type, bytes, replace } of files) {
    const recognized = recognizeMedia(mediaType(type), bytes, mediaTypes);
    if (recognized) replace(new Media(recognized, bytes));
  }
}

async function readFile(
  source: FileSource,
  path: string,
  { maxBytes, readBytes, reservation, deadline }: ReadFilesOptions,
): Promise<{ readonly type: string; readonly bytes: Uint8Array }> {
  if (source instanceof Uint8Array) return { type: "", bytes: source };
  const left = maxBytes - readBytes;
  const wait = async <T>(read: Promise<T>): Promise<T> => {
    const result = await settleBefore(deadline, read, reservation.onEvicted);
    reservation.progress();
    return result;
  };
  try {
    if (source instanceof Blob) {
      if (source.size > left) throw argumentTooLarge(maxBytes);
      reservation.resize(readBytes + source.size);
      return { type: source.type, bytes: new Uint8Array(await wait(source.arrayBuffer())) };
    }
    const bytes = await collectStream(source, {
      maxBytes: left,
      reserve: (size) => reservation.resize(readBytes + size),
      wait,
      tooLarge: () => argumentTooLarge(maxBytes),
    });
    return { type: "", bytes };
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError("invalid_request", `${path} could not be read to its end.`, { cause });
  }
}

/** Tells those who send files that nobody reads them. */
export function cancelFiles(files: readonly FoundFile[]): void {
  for (const { source } of files)
    if (source instanceof ReadableStream && !source.locked) source.cancel().catch(() => undefined);
}

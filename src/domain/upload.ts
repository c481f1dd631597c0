import { quote } from "../shared/quote.ts";
import { type ByteRange, formatRanges, mergeRanges, missingRanges } from "./byte-ranges.ts";
import { ApiError } from "./errors.ts";
import { MANIFEST_FILE } from "./manifest-text.ts";
import { publicationFolderOf } from "./publication-folder.ts";

/** A file that was sent for a version, or some parts of it. */
export interface Upload {
  readonly path: string;
  /** Of the whole file. */
  readonly sizeBytes: number;
  /** SHA-256 of the whole file in hexadecimal, as its sender said; `undefined` for one that was sent without it, as a whole. */
  readonly sha256: string | undefined;
  /** By their starts; of a file that was sent as a whole one, which is the file. */
  readonly parts: readonly UploadPart[];
  /** When the last part arrived, in milliseconds since the epoch. */
  readonly writtenAt: number;
}

export interface UploadPart extends ByteRange {
  readonly key: string;
}

/** What identifies a file of which parts are sent: parts of other bytes are those of another file. */
export interface FileIdentity {
  /** Hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Bounds what is listed of one file. */
export const MAX_PARTS = 1000;
/** A relative path without `.` and `..` segments, backslashes, control characters and halves of surrogate pairs. */
export const UPLOAD_PATH = /^(?![\s\S]*(?:^|\/)(?:\.{1,2})?(?:\/|$))[^\\\p{Cc}\p{Cs}]{1,200}$/u;
/** Follows a path in the keys of its parts. */
export const PARTS_FOLDER = ".parts/";

/** @throws ApiError `invalid_request` for a path that no file can be sent under */
export function checkUploadPath(path: string): void {
  const refuse = (why: string): ApiError =>
    new ApiError("invalid_request", `No file can be sent as ${quote(path)}: ${why}.`, {
      details: { file: quote(path) },
    });
  if (!UPLOAD_PATH.test(path))
    throw refuse(
      'a file is named by a relative path of up to 200 characters without "." and ".." segments, as the model or the manifest names it',
    );
  if (path === MANIFEST_FILE)
    throw refuse("the manifest is sent when the version is published, as `manifest`");
  if (path.includes(PARTS_FOLDER))
    throw refuse(`"${PARTS_FOLDER}" is reserved for the parts of files`);
  if (publicationFolderOf(path) !== undefined)
    throw refuse("a folder of 16 hexadecimal digits is reserved for the files of publications");
}

export function receivedRanges({ parts }: Pick<Upload, "parts">): ByteRange[] {
  return mergeRanges(parts);
}

export function isComplete(upload: Upload): boolean {
  return partsInOrder(upload) !== undefined;
}

export function missingOf(upload: Upload): ByteRange[] {
  return missingRanges(receivedRanges(upload), upload.sizeBytes);
}

/**
 * The parts that make the file, one after the other.
 * @returns `undefined` while some are missing, or where parts that were sent at the same time overlap
 */
export function partsInOrder({ parts, sizeBytes }: Upload): readonly UploadPart[] | undefined {
  const byStart = new Map(parts.map((part) => [part.start, part]));
  const ordered: UploadPart[] = [];
  for (let next = 0; next < sizeBytes; ) {
    const part = byStart.get(next);
    if (!part) return undefined;
    ordered.push(part);
    next = part.end + 1;
  }
  return ordered;
}

/**
 * Checks a part against those that have arrived.
 * @param upload the parts of the same file; `undefined` before the first one
 * @throws ApiError `invalid_request` for a part that overlaps others, or that is one too many
 */
export function checkPart(upload: Upload | undefined, path: string, { start, end }: ByteRange) {
  if (!upload) return;
  const { parts } = upload;
  if (parts.some((part) => part.start === start && part.end === end)) return;
  const other = parts.find((part) => part.start <= end && start <= part.end);
  const missing = missingOf(upload);
  const details = { file: path, received: receivedRanges(upload), missing };
  if (other)
    throw new ApiError(
      "invalid_request",
      `The bytes ${start}-${end} of ${quote(path)} overlap the part ${other.start}-${other.end}, which has arrived: ${missing.length > 0 ? `send what is missing (${formatRanges(missing)}), or the same part again` : "the file is complete"}.`,
      { details },
    );
  if (parts.length >= MAX_PARTS)
    throw new ApiError(
      "invalid_request",
      `${quote(path)} has ${parts.length} parts, the largest number: delete what was sent (DELETE .../files), and send larger parts.`,
      { details },
    );
}

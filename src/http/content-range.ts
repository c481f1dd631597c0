import type { ByteRange } from "../domain/byte-ranges.ts";
import { ApiError } from "../domain/errors.ts";
import { quote } from "../shared/quote.ts";

/** The part of a file that a request contains. */
export interface ContentRange extends ByteRange {
  /** Of the whole file. */
  readonly sizeBytes: number;
}

/**
 * `content-range` of a request (RFC 9110, section 14.4); `undefined` without it.
 * @param contentLength of the request
 * @throws ApiError `invalid_request` for another form, a range beyond the end, and one that is not as long as the content
 */
export function parseContentRange(
  value: string | undefined,
  contentLength: number,
): ContentRange | undefined {
  if (value === undefined) return undefined;
  const refuse = (why: string): ApiError =>
    new ApiError(
      "invalid_request",
      `The header content-range ${why}: send content-range: bytes FIRST-LAST/SIZE, both ends included, as in bytes 0-${Math.max(contentLength - 1, 0)}/${Math.max(contentLength, 1)}; got ${quote(value)}.`,
      { details: { header: "content-range" } },
    );
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(value.trim());
  if (!match) throw refuse("is not valid");
  const [, start = 0, end = 0, sizeBytes = 0] = match.map(Number);
  if (end < start) throw refuse("ends before it begins");
  if (end >= sizeBytes)
    throw refuse(`ends at byte ${end}, beyond the file, whose last byte is ${sizeBytes - 1}`);
  const length = end - start + 1;
  if (length !== contentLength)
    throw refuse(`is of ${length} bytes, and the content has ${contentLength}`);
  return { start, end, sizeBytes };
}

import type { Context } from "hono";
import type { ErrorCode } from "../../domain/errors.ts";
import { ApiError } from "../../domain/errors.ts";
import { parseContentCoding } from "../../http/content-coding.ts";
import { type ContentRange, parseContentRange } from "../../http/content-range.ts";
import type { AppEnv } from "../../http/context.ts";
import { parseDigestField } from "../../http/digest-fields.ts";
import { endWhenStalled } from "../../http/end-when-stalled.ts";
import { quote } from "../../shared/quote.ts";
import type { Services } from "../services.ts";

/** A file, or a part of one, as the body of a request. */
export interface FileBody {
  readonly body: ReadableStream<Uint8Array>;
  /** Of the body. */
  readonly sizeBytes: number;
  /** Where the body is in the file; `undefined` for the whole file. */
  readonly part: ContentRange | undefined;
  /** SHA-256 of the whole file in hexadecimal, if the request says it. */
  readonly sha256: string | undefined;
  /** Of the body. */
  readonly contentSha256: string | undefined;
}

/** What {@link readFileBody} and the stream of the body throw. */
export const FILE_BODY: readonly ErrorCode[] = [
  "invalid_request",
  "empty_body",
  "digest_mismatch",
  "length_required",
  "unsupported_media_type",
  "body_too_large",
  "body_timeout",
];

/** The body as a stream of known length, which storage requires, and what its headers say of the file. */
export function readFileBody(
  c: Context<AppEnv>,
  { maxModelBytes: maxBytes, timeoutMs }: Services["config"],
): FileBody {
  const { body } = c.req.raw;
  const header = (name: string): string | undefined => c.req.header(name);
  if (parseContentCoding(header("content-encoding")) !== "identity")
    throw new ApiError(
      "unsupported_media_type",
      `The file is sent with content-encoding ${quote(header("content-encoding") ?? "")}: send it uncompressed.`,
    );
  const length = header("content-length");
  if (!body || length === "0")
    throw new ApiError("empty_body", "The body is empty: send the file.");
  const sizeBytes = Number(length);
  if (length === undefined || !Number.isSafeInteger(sizeBytes))
    throw new ApiError("length_required", "Send the file with a content-length header.");
  const part = parseContentRange(header("content-range"), sizeBytes);
  const fileBytes = part?.sizeBytes ?? sizeBytes;
  if (fileBytes > maxBytes)
    throw new ApiError(
      "body_too_large",
      `The file is ${fileBytes} bytes, over the limit of ${maxBytes} bytes (MAX_MODEL_BYTES).`,
      { details: { limitBytes: maxBytes } },
    );
  const sha256 = parseDigestField("repr-digest", header("repr-digest"));
  const contentSha256 = parseDigestField("content-digest", header("content-digest"));
  c.get("trace").bytesIn = sizeBytes;
  return { body: endWhenStalled(body, timeoutMs), sizeBytes, part, sha256, contentSha256 };
}

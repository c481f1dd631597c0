import { ApiError } from "../domain/errors.ts";
import { quote } from "../shared/quote.ts";
import { type CollectOptions, collectStream } from "./collect-stream.ts";
import { gunzipMembers } from "./gunzip-members.ts";

/** The codings of request bodies, by their names in the Compression Streams API. */
export type ContentCoding = "identity" | "gzip" | "deflate";

const CODINGS: Readonly<Record<string, ContentCoding>> = {
  identity: "identity",
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
};

/**
 * The coding of a body. RFC 9110, section 8.4: a list, in the order in which the codings were applied, of which `identity`
 * is none.
 * @param header `content-encoding`
 * @throws ApiError `unsupported_media_type`
 */
export function parseContentCoding(header: string | undefined): ContentCoding {
  if (!header) return "identity";
  const names = header
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity");
  const [name, ...others] = names;
  if (name === undefined) return "identity";
  const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined;
  if (coding && others.length === 0) return coding;
  throw new ApiError(
    "unsupported_media_type",
    others.length > 0
      ? `The content-encoding ${quote(header)} applies several codings: use one of gzip and deflate, or send the body uncompressed.`
      : `The content-encoding ${quote(header)} is not supported: use gzip or deflate, or send the body uncompressed.`,
    { details: { acceptEncoding: "gzip, deflate" } },
  );
}

/**
 * Decompresses a body.
 * @throws ApiError `invalid_request` for data that is not valid; what `options` throw
 */
export async function decompress(
  bytes: Uint8Array<ArrayBuffer>,
  coding: Exclude<ContentCoding, "identity">,
  options: CollectOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await collectStream(decompressionOf(bytes, coding), options);
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    if (coding === "gzip") return collectMembers(bytes, options);
    throw notValid(coding, cause);
  }
}

function decompressionOf(
  bytes: Uint8Array<ArrayBuffer>,
  coding: "gzip" | "deflate",
): ReadableStream<Uint8Array> {
  const decompression = new DecompressionStream(coding);
  return new Blob([bytes])
    .stream()
    .pipeThrough(decompression as ReadableWritablePair<Uint8Array, Uint8Array>);
}

/** The native decompression is faster, but fails where a second member follows. */
async function collectMembers(
  bytes: Uint8Array,
  options: CollectOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await collectStream(gunzipMembers(bytes), options);
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw notValid("gzip", cause);
  }
}

function notValid(coding: ContentCoding, cause: unknown): ApiError {
  return new ApiError("invalid_request", `The body is not valid ${coding} data.`, { cause });
}

import { ApiError } from "../domain/errors.ts";
import { type CollectOptions, collect } from "../shared/collect-stream.ts";
import { quote } from "../shared/quote.ts";
import { createInflateSource } from "./inflate-source.ts";

/** The codings of request bodies. */
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
    return await collect(createInflateSource(bytes, coding), options);
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError("invalid_request", `The body is not valid ${coding} data.`, { cause });
  }
}

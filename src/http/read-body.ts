import type { Context } from "hono";
import { ApiError } from "../domain/errors.ts";
import { concatenateBytes } from "../shared/bytes.ts";
import { quote } from "../shared/quote.ts";
import type { AppEnv } from "./context.ts";

/** {@link readBody} where a body may be left out: `undefined` then. */
export async function readOptionalBody(
  c: Context<AppEnv>,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  try {
    return await readBody(c, maxBytes);
  } catch (error) {
    if (error instanceof ApiError && error.code === "empty_body") return undefined;
    throw error;
  }
}

/** What a body may be compressed with, by its name in HTTP and in the Compression Streams API. */
const ENCODINGS = new Map<string, "gzip" | "deflate">([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);

/**
 * The request's body, decompressed, of which no more than `maxBytes` is ever held: what is not sent
 * with a length that is within the limit is counted while it is read.
 * @throws ApiError `body_too_large`, `empty_body`, `invalid_request`, `unsupported_media_type`
 */
export async function readBody(
  c: Context<AppEnv>,
  maxBytes: number,
  length = plainLength(c),
): Promise<Uint8Array> {
  const read = c.get("body");
  if (read) return read;
  const trace = c.get("trace");
  const end = trace.start("body");
  try {
    const bytes =
      length !== undefined && length <= maxBytes
        ? // HTTP framing holds a body to its content-length. A stream is only made where one is needed.
          new Uint8Array(await c.req.raw.arrayBuffer())
        : await readStream(c, maxBytes);
    trace.bytesIn = bytes.byteLength;
    if (bytes.byteLength === 0) throw emptyBody();
    // Another Worker may send any length with any body.
    if (bytes.byteLength > maxBytes) throw tooLarge(maxBytes);
    c.set("body", bytes);
    return bytes;
  } catch (error) {
    return refuseIncomplete(error);
  } finally {
    end();
  }
}

/** The length in bytes of a body that is not compressed; `undefined` where it is or the length is not told. */
export function plainLength(c: Context<AppEnv>): number | undefined {
  const length = c.req.header("content-length");
  if (length === undefined || encodingOf(c) !== "identity") return undefined;
  return Number(length);
}

function encodingOf(c: Context<AppEnv>): string {
  return c.req.header("content-encoding")?.toLowerCase() ?? "identity";
}

async function readStream(c: Context<AppEnv>, maxBytes: number): Promise<Uint8Array> {
  const { body } = c.req.raw;
  if (!body) throw emptyBody();
  if (Number(c.req.header("content-length") ?? 0) > maxBytes) {
    await body.cancel();
    throw tooLarge(maxBytes);
  }
  const encoding = encodingOf(c);
  return encoding === "identity" ? collect(body, maxBytes) : decompress(body, encoding, maxBytes);
}

async function decompress(
  body: ReadableStream<Uint8Array>,
  encoding: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const format = ENCODINGS.get(encoding);
  if (!format) {
    await body.cancel();
    throw new ApiError(
      "unsupported_media_type",
      `Bodies with content-encoding ${quote(encoding)} are not accepted: use gzip or deflate, or send the body as it is.`,
    );
  }
  try {
    const decompressed = body.pipeThrough(
      new DecompressionStream(format) as ReadableWritablePair<Uint8Array, Uint8Array>,
    );
    return await collect(decompressed, maxBytes);
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError("invalid_request", `The body is not valid ${encoding} data.`, { cause });
  }
}

async function collect(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    // Leaving the loop cancels the stream, so the rest is not read.
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return concatenateBytes(chunks, sizeBytes);
}

/** Its client has gone away, and only the event tells it: no fault of the service. */
function refuseIncomplete(cause: unknown): never {
  if (cause instanceof ApiError) throw cause;
  throw new ApiError("invalid_request", "The connection ended before the body did.", { cause });
}

function emptyBody(): ApiError {
  return new ApiError("empty_body", "The body is empty: send a JSON object.");
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError("body_too_large", `The body is larger than the limit of ${maxBytes} bytes.`, {
    details: { limitBytes: maxBytes },
  });
}

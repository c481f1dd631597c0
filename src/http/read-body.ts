import type { Context } from "hono";
import { ApiError } from "../domain/errors.ts";
import { concatenateBytes } from "../shared/bytes.ts";
import { quote } from "../shared/quote.ts";
import type { AppEnv } from "./context.ts";

/** {@link readBody} for an optional body: `undefined` if it is empty. */
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

/** Supported content encodings, by their names in HTTP, with their names in the Compression Streams API. */
const ENCODINGS = new Map<string, "gzip" | "deflate">([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);

/**
 * The request's body, decompressed. Never holds more than `maxBytes`: a body without a `content-length` within the limit
 * is counted while it is read.
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
        ? // HTTP framing enforces content-length, so no stream is needed to count the bytes.
          new Uint8Array(await c.req.raw.arrayBuffer())
        : await readStream(c, maxBytes);
    trace.bytesIn = bytes.byteLength;
    if (bytes.byteLength === 0) throw emptyBody();
    // In a request of another Worker, content-length may not match the body.
    if (bytes.byteLength > maxBytes) throw tooLarge(maxBytes);
    c.set("body", bytes);
    return bytes;
  } catch (error) {
    return refuseIncomplete(error);
  } finally {
    end();
  }
}

/** The length in bytes of an uncompressed body; `undefined` if it is compressed or has no `content-length`. */
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
      `The content-encoding ${quote(encoding)} is not supported: use gzip or deflate, or send the body uncompressed.`,
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

/** The client has disconnected, so only the event has this error, as one of the client. */
function refuseIncomplete(cause: unknown): never {
  if (cause instanceof ApiError) throw cause;
  throw new ApiError("invalid_request", "The connection was closed before the body was complete.", {
    cause,
  });
}

function emptyBody(): ApiError {
  return new ApiError("empty_body", "The body is empty: send a JSON object.");
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError("body_too_large", `The body is larger than the limit of ${maxBytes} bytes.`, {
    details: { limitBytes: maxBytes },
  });
}

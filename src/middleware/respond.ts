import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppEnv } from "./context.ts";

const ENCODER = new TextEncoder();

/** Below this, compressing costs more than it saves. */
const COMPRESSION_THRESHOLD_BYTES = 1024;

export interface RespondOptions {
  readonly status?: ContentfulStatusCode;
  readonly contentType?: string;
  /**
   * False for an answer that must reach the client as it is; `no-transform` tells the network so too,
   * where Cloudflare compresses JSON by itself.
   */
  readonly compress?: boolean;
}

/** Answers with a text whose length is counted for the event and sent as `content-length`. */
export function respond(c: Context<AppEnv>, text: string, options: RespondOptions = {}): Response {
  return respondBytes(c, [ENCODER.encode(text)], options);
}

/**
 * {@link respond} for bytes in several parts, compressed when the client asks for it and it is worth
 * while.
 */
export function respondBytes(
  c: Context<AppEnv>,
  parts: readonly Uint8Array[],
  { status = 200, contentType = "application/json", compress = true }: RespondOptions = {},
): Response {
  const sizeBytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  c.get("trace").bytesOut = sizeBytes;
  c.header("content-type", contentType);
  const body = join(parts, sizeBytes);
  if (!compress) c.header("cache-control", "no-transform");
  if (!compress || sizeBytes < COMPRESSION_THRESHOLD_BYTES) return c.body(body, status);
  c.header("vary", "accept-encoding");
  const encoding = acceptedEncoding(c.req.header("accept-encoding"));
  if (!encoding) return c.body(body, status);
  const compressed = new Blob([body])
    .stream()
    .pipeThrough(new CompressionStream(encoding) as ReadableWritablePair<Uint8Array, Uint8Array>);
  c.header("content-encoding", encoding);
  // "manual": the body is encoded already; the runtime would encode it once more.
  return new Response(compressed, {
    status,
    headers: c.body(null).headers,
    encodeBody: "manual",
  });
}

function join(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (only && parts.length === 1) return only as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}

/** RFC 9110, section 12.5.3: the first of ours that is listed and not refused with q=0. */
function acceptedEncoding(header: string | undefined): "gzip" | "deflate" | undefined {
  if (!header) return undefined;
  const accepted = header
    .toLowerCase()
    .split(",")
    .filter((item) => !/;\s*q=0(?:\.0*)?\s*$/.test(item))
    .map((item) => item.split(";", 1)[0]?.trim());
  return (["gzip", "deflate"] as const).find((encoding) => accepted.includes(encoding));
}

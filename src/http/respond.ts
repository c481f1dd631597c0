import type { Context } from "hono";
import { toCacheStatus } from "../domain/cache-control.ts";
import type { CachedResponse } from "../domain/cached-response.ts";
import { gatheredOf } from "../domain/statistics/gathered-of.ts";
import { type TraceContext, toTraceParent } from "../domain/trace-context.ts";
import { concatenateBytes, totalBytes } from "../shared/bytes.ts";
import { chooseCoding } from "./accept-encoding.ts";
import {
  addCacheDirective,
  addCacheHeaders,
  addVary,
  HIDDEN_CACHE_STATUS,
  isListed,
  toEntityTag,
} from "./cache-headers.ts";
import type { AppEnv } from "./context.ts";
import { isSecure, setTransportSecurity } from "./security-headers.ts";
import { toServerTiming } from "./server-timing.ts";

const ENCODER = new TextEncoder();

/** Below this, compressing costs more than it saves. */
const COMPRESSION_THRESHOLD_BYTES = 1024;

export interface RespondOptions {
  readonly status?: number;
  readonly contentType?: string;
  /**
   * False for a response that must not be compressed; `no-transform` keeps Cloudflare, which compresses JSON by itself,
   * from it too.
   */
  readonly compress?: boolean;
  /** What the bytes depend on besides the cache entry; responses without it have no entity tag. */
  readonly variant?: string;
}

/** Creates a response with a text body, whose length is counted for the event and sent as `content-length`. */
export function respond(c: Context<AppEnv>, text: string, options: RespondOptions = {}): Response {
  return respondBytes(c, [ENCODER.encode(text)], options);
}

/**
 * {@link respond} for bytes in several parts. Compresses the body when the client accepts it and the size justifies it,
 * and sends the headers that handlers and middleware have set, with those that describe the request and the cache. Responds
 * with 304 when `If-None-Match` lists the entity tag. Stores the response when the response cache was looked up.
 */
export function respondBytes(
  c: Context<AppEnv>,
  parts: readonly Uint8Array[],
  { status = 200, contentType = "application/json", compress = true, variant }: RespondOptions = {},
): Response {
  const trace = c.get("trace");
  // Setting a header of an existing Response costs a call into the runtime; a property of an object does not.
  const headers = c.get("headers");
  const sizeBytes = totalBytes(parts);
  const isLong = sizeBytes >= COMPRESSION_THRESHOLD_BYTES;
  const coding = compress ? chooseCoding(c.req.header("accept-encoding"), isLong) : "identity";
  if (!compress) addCacheDirective(headers, "no-transform");
  if (compress && (isLong || coding !== "identity")) addVary(headers, "accept-encoding");
  addRequestHeaders(c);
  const { key } = trace.cache;
  if (status === 200 && key !== undefined && variant !== undefined)
    headers.etag = toEntityTag(key, variant);
  if (headers.etag !== undefined && isListed(c.req.header("if-none-match"), headers.etag)) {
    for (const name of CONTENT_HEADERS) delete headers[name];
    return new Response(null, { status: 304, headers });
  }
  trace.bytesOut = sizeBytes;
  headers["content-type"] = contentType;
  const body = concatenateBytes(parts, sizeBytes);
  if (status === 200 && compress)
    c.get("responseLookup")?.store(sizeBytes, () => ({
      body,
      headers: toStoredHeaders(headers),
      statistics: gatheredOf(trace),
      ageSeconds: undefined,
    }));
  if (coding === "identity") return new Response(body, { status, headers });
  const compressed = new Blob([body])
    .stream()
    .pipeThrough(new CompressionStream(coding) as ReadableWritablePair<Uint8Array, Uint8Array>);
  headers["content-encoding"] = coding;
  // "manual": the body is already encoded; otherwise the runtime would encode it again.
  return new Response(compressed, { status, headers, encodeBody: "manual" });
}

/** The headers of a streamed response. */
export function responseHeaders(c: Context<AppEnv>, contentType: string): Record<string, string> {
  addRequestHeaders(c);
  const headers = c.get("headers");
  headers["content-type"] = contentType;
  return headers;
}

/** Sets the headers that describe the request, its durations and the cache. */
function addRequestHeaders(c: Context<AppEnv>): void {
  const trace = c.get("trace");
  const headers = c.get("headers");
  headers["x-request-id"] = c.get("requestId");
  trace.totalMs = trace.elapsedMs;
  headers["server-timing"] = toServerTiming(trace);
  if (continuesTrace(trace.context)) headers[TRACE_RESPONSE] = toTraceParent(trace.context);
  addCacheHeaders(headers, trace);
}

/** Names the span of the request to a client that has sent its own (https://www.w3.org/TR/trace-context-2/). */
const TRACE_RESPONSE = "traceresponse";

function continuesTrace(context: TraceContext | undefined): context is TraceContext {
  return context?.parentSpanId !== undefined;
}

/** Without what is of one request alone, and which others do not replace. */
function toStoredHeaders(headers: Readonly<Record<string, string>>): Headers {
  const stored = new Headers(headers);
  stored.delete(TRACE_RESPONSE);
  return stored;
}

/** Sends a response of the response cache, with its own headers except those that describe the request. */
export function respondCached(c: Context<AppEnv>, response: CachedResponse): Response {
  const { body, headers, statistics } = response;
  c.get("trace").gathered = statistics;
  const secure = isSecure(c);
  if (response.isSecure !== secure) {
    response.isSecure = secure;
    setTransportSecurity(headers, secure);
  }
  const isLong = body.byteLength >= COMPRESSION_THRESHOLD_BYTES;
  const coding = chooseCoding(c.req.header("accept-encoding"), isLong);
  if (isLong || coding !== "identity" || c.req.header("if-none-match") !== undefined) {
    Object.assign(c.get("headers"), Object.fromEntries(headers));
    return respondBytes(c, [body], { contentType: headers.get("content-type") ?? "" });
  }
  const trace = c.get("trace");
  trace.bytesOut = body.byteLength;
  trace.totalMs = trace.elapsedMs;
  headers.set("x-request-id", c.get("requestId"));
  headers.set("server-timing", toServerTiming(trace));
  if (trace.hidesCache) {
    const own = new Headers(headers);
    own.set("cache-status", HIDDEN_CACHE_STATUS);
    own.delete("age");
    if (continuesTrace(trace.context)) own.set(TRACE_RESPONSE, toTraceParent(trace.context));
    return new Response(body, { headers: own });
  }
  const ageSeconds = Math.floor(trace.cache.ageSeconds ?? 0);
  if (response.ageSeconds !== ageSeconds) {
    response.ageSeconds = ageSeconds;
    headers.set("cache-status", toCacheStatus(trace.cache));
    headers.set("age", String(ageSeconds));
  }
  if (continuesTrace(trace.context)) {
    const own = new Headers(headers);
    own.set(TRACE_RESPONSE, toTraceParent(trace.context));
    return new Response(body, { headers: own });
  }
  return new Response(body, { headers });
}

/** Headers that describe a body, which a 304 does not have. */
const CONTENT_HEADERS = ["content-type", "inference-header-content-length"];

import type { MiddlewareHandler } from "hono";
import { parseCacheControl, toCacheStatus } from "../domain/cache-control.ts";
import type { AppEnv } from "./context.ts";

/** What of a key stands in an entity tag: enough that no two answers share one. */
const ETAG_KEY_LENGTH = 32;

/**
 * Reads the request's `Cache-Control` for the services, and answers with `cache-status` (RFC 9211),
 * `age` and `etag`; 304 for an answer that the client has (`If-None-Match`).
 */
export function cacheHeaders(): MiddlewareHandler<AppEnv> {
  return async function cacheHeaders(c, next) {
    c.set("cacheControl", parseCacheControl(c.req.header("cache-control")));
    await next();
    const trace = c.get("trace");
    const { outcome, ageSeconds, key } = trace.cache;
    if (outcome === undefined) return;
    // Not c.header: on an answer that exists it makes a new Response each time.
    const { headers, status } = c.res;
    headers.set("cache-status", toCacheStatus(trace.cache));
    if (ageSeconds !== undefined) headers.set("age", String(Math.floor(ageSeconds)));
    if (key === undefined || status !== 200) return;
    const etag = toEntityTag(key, c.get("variant"));
    headers.set("etag", etag);
    if (!matches(c.req.header("if-none-match"), etag)) return;
    trace.bytesOut = 0;
    for (const name of CONTENT_HEADERS) headers.delete(name);
    // Otherwise Hono puts back the headers of the answer that this one replaces.
    c.res = undefined;
    c.res = new Response(null, { status: 304, headers });
  };
}

/** What tells of a body that a 304 does not have. */
const CONTENT_HEADERS = [
  "content-type",
  "content-length",
  "content-encoding",
  "inference-header-content-length",
];

/**
 * The same tensors look different in another form: `variant`, which the route sets, says in which.
 * Weak, because the answer may be compressed.
 */
function toEntityTag(key: string, variant: string): string {
  return `W/"${key.slice(0, ETAG_KEY_LENGTH)}-${hash(variant, 0x01000193)}${hash(variant, 0x85ebca6b)}"`;
}

/** 32 bits by FNV-1a with any odd multiplier: who finds a collision fools only himself. */
function hash(text: string, multiplier: number): string {
  let bits = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), multiplier);
  return (bits >>> 0).toString(16).padStart(8, "0");
}

/** RFC 9110, section 13.1.2: a list of tags, compared weakly, or any. */
function matches(header: string | undefined, etag: string): boolean {
  if (!header) return false;
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag.replace(/^W\//, ""));
}

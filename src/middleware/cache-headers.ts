import type { Context, MiddlewareHandler } from "hono";
import { parseCacheControl, toCacheStatus } from "../domain/cache-control.ts";
import type { AppEnv } from "./context.ts";

/** What of a key stands in an entity tag: enough that no two answers share one. */
const ETAG_KEY_LENGTH = 32;
const ENCODER = new TextEncoder();

/**
 * Reads the request's `Cache-Control` for the services, and answers with `cache-status` (RFC 9211),
 * `age` and `etag`; 304 for an answer that the client has (`If-None-Match`).
 */
export function cacheHeaders(): MiddlewareHandler<AppEnv> {
  return async function cacheHeaders(c, next) {
    c.set("cacheControl", parseCacheControl(c.req.header("cache-control")));
    await next();
    const report = c.get("trace").cache;
    if (report.outcome === undefined) return;
    c.header("cache-status", toCacheStatus(report));
    if (report.ageSeconds !== undefined) c.header("age", String(Math.floor(report.ageSeconds)));
    if (report.key === undefined || c.res.status !== 200) return;
    const etag = await entityTag(c, report.key);
    c.header("etag", etag);
    if (!matches(c.req.header("if-none-match"), etag)) return;
    c.get("trace").bytesOut = 0;
    const headers = new Headers(c.res.headers);
    for (const name of ["content-type", "content-length", "content-encoding"]) headers.delete(name);
    c.res = new Response(null, { status: 304, headers });
  };
}

/**
 * The same tensors look different in another form: `variant`, which the route sets, says in which.
 * Weak, because the answer may be compressed.
 */
async function entityTag(c: Context<AppEnv>, key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", ENCODER.encode(c.get("variant")));
  const variant = new Uint8Array(digest, 0, 8).toHex();
  return `W/"${key.slice(0, ETAG_KEY_LENGTH)}-${variant}"`;
}

/** RFC 9110, section 13.1.2: a list of tags, compared weakly, or any. */
function matches(header: string | undefined, etag: string): boolean {
  if (!header) return false;
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag.replace(/^W\//, ""));
}

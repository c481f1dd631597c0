import { toCacheStatus } from "../domain/cache-control.ts";
import type { Trace } from "../domain/trace.ts";
import { hashText } from "../shared/fnv1a.ts";

/** Characters of a cache key in an entity tag: enough that no two responses share one. */
const ETAG_KEY_LENGTH = 32;
const SECOND_MULTIPLIER = 0x85ebca6b;

/** Of a response that must not tell how the cache was used. */
export const HIDDEN_CACHE_STATUS = "onnxflare; detail=hidden";

/** Sets `cache-status` (RFC 9211) and `age`, unless the operation does not use the cache. */
export function addCacheHeaders(
  headers: Record<string, string>,
  { cache: report, hidesCache }: Pick<Trace, "cache" | "hidesCache">,
): void {
  const { outcome, ageSeconds } = report;
  if (outcome === undefined) return;
  if (hidesCache) {
    // A stored response may have the age that another client saw.
    delete headers.age;
    headers["cache-status"] = HIDDEN_CACHE_STATUS;
    return;
  }
  headers["cache-status"] = toCacheStatus(report);
  if (ageSeconds !== undefined) headers.age = String(Math.floor(ageSeconds));
}

/**
 * Says that the response is for this client alone: who it is decides whether there is one, and often what is in it. A shared cache
 * that knew neither header would send it to others (RFC 9111, sections 3.5 and 4.1).
 */
export function markPrivate(headers: Record<string, string>): void {
  headers["cache-control"] ??= "private";
  addVary(headers, "authorization");
}

/** Adds a directive to those of the response. */
export function addCacheDirective(headers: Record<string, string>, directive: string): void {
  const known = headers["cache-control"];
  if (known === undefined) headers["cache-control"] = directive;
  else if (!known.includes(directive)) headers["cache-control"] = `${known}, ${directive}`;
}

/** Adds a request header to those that the response depends on. */
export function addVary(headers: Record<string, string>, name: string): void {
  const known = headers.vary?.split(", ") ?? [];
  if (!known.includes(name)) headers.vary = [...known, name].join(", ");
}

/**
 * The entity tag of a response: the cache key, and a hash of `variant`, because the same tensors can be serialized in
 * several ways. Weak, because the response may be compressed.
 */
export function toEntityTag(key: string, variant: string): string {
  // Not cryptographic: a client that constructs a collision affects only its own responses.
  const hash = toHex32(hashText(variant)) + toHex32(hashText(variant, SECOND_MULTIPLIER));
  return `W/"${key.slice(0, ETAG_KEY_LENGTH)}-${hash}"`;
}

function toHex32(value: number): string {
  return value.toString(16).padStart(8, "0");
}

/** Whether `If-None-Match` lists the tag. RFC 9110, section 13.1.2: a list, compared weakly, or `*`. */
export function isListed(header: string | undefined, etag: string): boolean {
  if (!header) return false;
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag.replace(/^W\//, ""));
}

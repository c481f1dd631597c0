import { type CacheReport, toCacheStatus } from "../domain/cache-control.ts";
import { hashText } from "../shared/fnv1a.ts";

/** What of a key stands in an entity tag: enough that no two answers share one. */
const ETAG_KEY_LENGTH = 32;
const SECOND_MULTIPLIER = 0x85ebca6b;

/** `cache-status` (RFC 9211) and `age`, where the cache plays a part. */
export function addCacheHeaders(headers: Record<string, string>, report: CacheReport): void {
  const { outcome, ageSeconds } = report;
  if (outcome === undefined) return;
  headers["cache-status"] = toCacheStatus(report);
  if (ageSeconds !== undefined) headers.age = String(Math.floor(ageSeconds));
}

/**
 * The same tensors look different in another form: `variant` says in which.
 * Weak, because the answer may be compressed.
 */
export function toEntityTag(key: string, variant: string): string {
  // A client that constructs a collision deceives only itself.
  const hash = toHex32(hashText(variant)) + toHex32(hashText(variant, SECOND_MULTIPLIER));
  return `W/"${key.slice(0, ETAG_KEY_LENGTH)}-${hash}"`;
}

function toHex32(value: number): string {
  return value.toString(16).padStart(8, "0");
}

/** Whether `If-None-Match` names the tag. RFC 9110, section 13.1.2: a list, compared weakly, or any. */
export function isListed(header: string | undefined, etag: string): boolean {
  if (!header) return false;
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag.replace(/^W\//, ""));
}

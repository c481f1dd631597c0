import { type CacheReport, toCacheStatus } from "../domain/cache-control.ts";

/** What of a key stands in an entity tag: enough that no two answers share one. */
const ETAG_KEY_LENGTH = 32;

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
  return `W/"${key.slice(0, ETAG_KEY_LENGTH)}-${hash(variant, 0x01000193)}${hash(variant, 0x85ebca6b)}"`;
}

/** 32 bits by FNV-1a with any odd multiplier: who finds a collision fools only himself. */
function hash(text: string, multiplier: number): string {
  let bits = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), multiplier);
  return (bits >>> 0).toString(16).padStart(8, "0");
}

/** Whether `If-None-Match` names the tag. RFC 9110, section 13.1.2: a list, compared weakly, or any. */
export function isListed(header: string | undefined, etag: string): boolean {
  if (!header) return false;
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag.replace(/^W\//, ""));
}

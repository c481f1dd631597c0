import type { CacheEntry, CacheTierName } from "./cache.ts";

/** The directives of a request's `Cache-Control` header. Source: RFC 9111, section 5.2.1. */
export interface CachePolicy {
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAgeSeconds: number | undefined;
}

export const NO_DIRECTIVES: CachePolicy = {
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  maxAgeSeconds: undefined,
};

/** Unknown directives are ignored, as the RFC requires. */
export function parseCacheControl(header: string | undefined): CachePolicy {
  if (!header) return NO_DIRECTIVES;
  const directives = new Map(
    header.split(",").map((item) => {
      const [name = "", value = ""] = item.trim().toLowerCase().split("=", 2);
      return [name, value.replaceAll('"', "")] as const;
    }),
  );
  const maxAge = directives.get("max-age");
  return {
    noCache: directives.has("no-cache"),
    noStore: directives.has("no-store"),
    onlyIfCached: directives.has("only-if-cached"),
    maxAgeSeconds: maxAge !== undefined && /^\d+$/.test(maxAge) ? Number(maxAge) : undefined,
  };
}

/** Why no entry was used. */
export const MISS_REASONS = [
  "disabled", // the deployment, or the model's manifest, caches nothing
  "no-store", // the request's directive: nothing is read or stored
  "drawn", // the result is drawn at random: each request has another one
  "no-cache", // the request's directive: the entry is computed again
  "absent",
  "too-old", // older than the request's max-age
  "expired", // older than the model's ttl
  "purged",
] as const;
export type MissReason = (typeof MISS_REASONS)[number];

/** Whether an entry was used, or the cache at all. */
export const CACHE_OUTCOMES = ["hit", "miss", "bypass"] as const;

/** How the cache was used for one request. */
export interface CacheReport {
  outcome: (typeof CACHE_OUTCOMES)[number] | undefined;
  tier: CacheTierName | undefined;
  reason: MissReason | undefined;
  key: string | undefined;
  /** The entry that was a hit. */
  entry: CacheEntry | undefined;
  /** Whether a stored response was sent, so that nothing was parsed and serialized. */
  isStoredResponse: boolean;
  /** Seconds for which the entry stays fresh; for a hit, the remaining ones. */
  ttlSeconds: number | undefined;
  ageSeconds: number | undefined;
  /** Whether the entry was, or will be, stored. */
  stored: boolean;
  /** Whether the request waited for an identical one instead of running. */
  collapsed: boolean;
  /** Size of the entry. */
  bytes: number | undefined;
  /** The duration of the run that the hit saved. */
  savedMs: number | undefined;
  /** Reads of tiers that failed, timed out or returned an invalid entry. */
  readonly failures: { readonly tier: CacheTierName; readonly problem: string }[];
}

export function createCacheReport(): CacheReport {
  return {
    outcome: undefined,
    tier: undefined,
    reason: undefined,
    key: undefined,
    entry: undefined,
    isStoredResponse: false,
    ttlSeconds: undefined,
    ageSeconds: undefined,
    stored: false,
    collapsed: false,
    bytes: undefined,
    savedMs: undefined,
    failures: [],
  };
}

/**
 * The report of several runs for one request: a hit where all of them are, else the first miss. It has no key and no entry,
 * because the response combines several.
 */
export function mergeCacheReports(reports: readonly CacheReport[]): CacheReport {
  const rank = (report: CacheReport): number => (report.outcome === "hit" ? 1 : 0);
  const [first = createCacheReport()] = reports.toSorted((a, b) => rank(a) - rank(b));
  const present = (values: readonly (number | undefined)[]): number[] =>
    values.filter((value) => value !== undefined);
  const sum = (values: readonly (number | undefined)[]): number | undefined =>
    present(values).reduce((total: number | undefined, value) => (total ?? 0) + value, undefined);
  const ages = present(reports.map(({ ageSeconds }) => ageSeconds));
  const ttls = present(reports.map(({ ttlSeconds }) => ttlSeconds));
  return {
    ...first,
    key: undefined,
    entry: undefined,
    ageSeconds: ages.length > 0 ? Math.max(...ages) : undefined,
    ttlSeconds: ttls.length > 0 ? Math.min(...ttls) : undefined,
    stored: reports.some(({ stored }) => stored),
    collapsed: reports.some(({ collapsed }) => collapsed),
    bytes: sum(reports.map(({ bytes }) => bytes)),
    savedMs: sum(reports.map(({ savedMs }) => savedMs)),
    failures: reports.flatMap(({ failures }) => failures),
  };
}

/** RFC 9211, section 2.2: "request" where the request's directives kept a fresh entry from being used. */
const FORWARD_REASONS: Record<MissReason, string> = {
  disabled: "bypass",
  "no-store": "bypass",
  drawn: "bypass",
  "no-cache": "request",
  absent: "miss",
  "too-old": "request",
  expired: "stale",
  purged: "miss",
};

/** The `Cache-Status` header. Source: RFC 9211. */
export function toCacheStatus(report: CacheReport): string {
  const { outcome, tier, reason, key, ttlSeconds, stored, collapsed } = report;
  const parts = ["onnxflare"];
  if (outcome === "hit") parts.push("hit");
  else if (reason) parts.push(`fwd=${FORWARD_REASONS[reason]}`);
  if (ttlSeconds !== undefined) parts.push(`ttl=${Math.floor(ttlSeconds)}`);
  if (outcome !== "hit" && stored) parts.push("stored");
  if (collapsed) parts.push("collapsed");
  if (key) parts.push(`key="${key.slice(0, KEY_PREFIX_LENGTH)}"`);
  const detail = outcome === "hit" ? tier : reason;
  if (detail) parts.push(`detail=${detail}`);
  return parts.join("; ");
}

/** Characters of a key that are enough to recognize it in a log. */
export const KEY_PREFIX_LENGTH = 12;

import type { CacheTierName } from "./cache.ts";

/** Counts of the cache in this isolate since it started. */
export interface CacheStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly bypasses: number;
  /** Hits among hits and misses; 0 before the first of either. */
  readonly hitRatio: number;
  /** The durations of the runs that hits saved. */
  readonly savedMs: number;
  readonly tiers: Readonly<Record<CacheTierName, CacheTierStatistics>>;
}

export interface CacheTierStatistics {
  readonly hits: number;
  /** Of the entries that were hits in this tier. */
  readonly bytes: number;
  readonly savedMs: number;
  /** Reads that failed, timed out or returned an invalid entry. */
  readonly failures: number;
}

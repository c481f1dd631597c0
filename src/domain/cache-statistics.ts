import type { CacheTierName } from "./cache.ts";

/** What the cache did in this isolate since it began. */
export interface CacheStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly bypasses: number;
  /** Hits among hits and misses; 0 before the first of either. */
  readonly hitRatio: number;
  /** What the runs took that hits spared. */
  readonly savedMs: number;
  readonly tiers: Readonly<Record<CacheTierName, CacheTierStatistics>>;
}

export interface CacheTierStatistics {
  readonly hits: number;
  /** Answered from this tier. */
  readonly bytes: number;
  readonly savedMs: number;
  /** Reads that failed, took too long or gave garbage. */
  readonly failures: number;
}

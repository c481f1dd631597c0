import { CACHE_TIERS } from "../domain/cache.ts";
import type { CacheStatistics, CacheTierStatistics } from "../domain/cache-statistics.ts";
import type { EventSink } from "../domain/ports.ts";

/** Counts cache hits, misses and failures from events. */
export function createCacheStatisticsSink(): EventSink & { read(): CacheStatistics } {
  let hits = 0;
  let misses = 0;
  let bypasses = 0;
  const tiers = Object.fromEntries(
    CACHE_TIERS.map((name) => [name, { hits: 0, bytes: 0, savedMs: 0, failures: 0 }]),
  ) as Record<(typeof CACHE_TIERS)[number], Mutable<CacheTierStatistics>>;
  return {
    emit(event) {
      if (event.event !== "request" || !event.cache) return;
      const { outcome, tier, bytes = 0, savedMs = 0, failures = [] } = event.cache;
      if (outcome === "hit") hits++;
      else if (outcome === "miss") misses++;
      else bypasses++;
      if (tier) {
        tiers[tier].hits++;
        tiers[tier].bytes += bytes;
        tiers[tier].savedMs += savedMs;
      }
      for (const failure of failures) tiers[failure.tier].failures++;
    },
    read: () => ({
      hits,
      misses,
      bypasses,
      hitRatio: hits === 0 ? 0 : hits / (hits + misses),
      savedMs: CACHE_TIERS.reduce((sum, name) => sum + tiers[name].savedMs, 0),
      tiers: structuredClone(tiers),
    }),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

import type { ShadowEvent } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";
import {
  involves,
  type ShadowCounts,
  type ShadowDistances,
  type ShadowStatistics,
} from "../domain/shadow-statistics.ts";
import { LruMap } from "../shared/lru-map.ts";

/** Pairs of versions with an alias; the one that was copied to least recently is evicted first. */
const MAX_PAIRS = 1000;
/** Deletions that are remembered: longer than a copy lasts. */
const MAX_FORGOTTEN = 1000;

/** Counts the copies of requests by model, alias and pair of versions. */
export function createShadowStatisticsSink(
  now: () => number = Date.now,
): EventSink & ShadowStatistics {
  const pairs = new LruMap<string, { readonly model: string; readonly counts: ShadowCounts }>(
    MAX_PAIRS,
  );
  /** When a version, or a whole model, was forgotten: by its name and version. */
  const forgotten = new LruMap<string, number>(MAX_FORGOTTEN);

  function isForgotten({ model, version, shadowVersion, time }: ShadowEvent): boolean {
    const begunAt = Date.parse(time);
    return [undefined, version, shadowVersion].some(
      (each) => begunAt <= (forgotten.peek(versionKey(model, each)) ?? 0),
    );
  }

  return {
    emit(event) {
      if (event.event !== "shadow" || isForgotten(event)) return;
      const key = JSON.stringify([event.model, event.alias, event.version, event.shadowVersion]);
      const known = pairs.get(key) ?? { model: event.model, counts: createCounts(event) };
      count(known.counts, event);
      pairs.set(key, known);
    },
    of: (model) =>
      [...pairs.values()]
        .filter((pair) => pair.model === model)
        .map(({ counts }) => structuredClone(counts)),
    forget(model, version) {
      forgotten.set(versionKey(model, version), now());
      for (const [key, pair] of [...pairs.entries()])
        if (pair.model === model && involves(pair.counts, version)) pairs.delete(key);
    },
  };
}

function versionKey(model: string, version: string | undefined): string {
  return version === undefined ? model : `${model}@${version}`;
}

function createCounts({ alias, version, shadowVersion, time }: ShadowEvent): ShadowCounts {
  return {
    alias,
    version,
    shadowVersion,
    same: 0,
    different: 0,
    failed: 0,
    skipped: 0,
    failures: {},
    skips: {},
    measures: {},
    primaryMs: undefined,
    shadowMs: undefined,
    timed: 0,
    lastAt: time,
  };
}

function count(counts: ShadowCounts, event: ShadowEvent): void {
  const { outcome, reason, errorCode, measure, distance, primaryMs, shadowMs } = event;
  counts[outcome] += 1;
  counts.lastAt = event.time;
  if (reason) counts.skips[reason] = (counts.skips[reason] ?? 0) + 1;
  if (errorCode) counts.failures[errorCode] = (counts.failures[errorCode] ?? 0) + 1;
  if (measure === undefined || distance === undefined) return;
  counts.measures[measure] = withDistance(counts.measures[measure], distance);
  if (shadowMs === undefined || !isTimed(event)) return;
  counts.timed += 1;
  counts.primaryMs = toward(counts.primaryMs, primaryMs, counts.timed);
  counts.shadowMs = toward(counts.shadowMs, shadowMs, counts.timed);
}

/** Whether the durations are those of both versions, loaded and without the cache. */
function isTimed({ coldStart, primaryCache, shadowCache }: ShadowEvent): boolean {
  return !coldStart && primaryCache !== "hit" && shadowCache !== "hit";
}

function withDistance(known: ShadowDistances | undefined, distance: number): ShadowDistances {
  const { count: before, mean, max } = known ?? { count: 0, mean: 0, max: 0 };
  const total = before + 1;
  return { count: total, mean: toward(mean, distance, total), max: Math.max(max, distance) };
}

/** The mean of `total` values, of that of the ones before and the last one. */
function toward(mean: number | undefined, value: number, total: number): number {
  return (mean ?? 0) + (value - (mean ?? 0)) / total;
}

import { toSpread } from "../bench/statistics.ts";

/** Resident memory when so many requests had been sent. */
export interface MemorySample {
  readonly requests: number;
  readonly residentBytes: number;
}

export interface MemoryReport {
  /** Medians of the first and the last quarter after the warm-up. */
  readonly firstBytes: number;
  readonly lastBytes: number;
  readonly maxBytes: number;
}

/**
 * Until then memory grows: V8 collects the memories of dropped engines and of responses only when they have become
 * many, since a local workerd has no limit for its heap (measured: 850 MiB from 80,000 requests on, also after 400,000).
 */
export const WARM_UP_REQUESTS = 80_000;
/** A shorter time says nothing about growth. */
const LEAST_REQUESTS = 40_000;
/** What the loaded models take differs from time to time: the budget is 96 MiB. */
export const ALLOWED_GROWTH_BYTES = 96 * 1024 * 1024;

/** Compares the resident memory early and late in a run. @returns undefined when the run was too short */
export function reportMemory(samples: readonly MemorySample[]): MemoryReport | undefined {
  const settled = samples.filter(({ requests }) => requests >= WARM_UP_REQUESTS);
  const last = settled.at(-1)?.requests ?? 0;
  const quarter = (last - WARM_UP_REQUESTS) / 4;
  if (last - WARM_UP_REQUESTS < LEAST_REQUESTS) return undefined;
  const within = (from: number): readonly number[] =>
    settled
      .filter(({ requests }) => requests >= from && requests <= from + quarter)
      .map(({ residentBytes }) => residentBytes);
  return {
    firstBytes: toSpread(within(WARM_UP_REQUESTS)).median,
    lastBytes: toSpread(within(last - quarter)).median,
    maxBytes: Math.max(...samples.map(({ residentBytes }) => residentBytes)),
  };
}

export function hasGrown({ firstBytes, lastBytes }: MemoryReport): boolean {
  return lastBytes - firstBytes > ALLOWED_GROWTH_BYTES;
}

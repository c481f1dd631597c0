import { toSpread } from "../bench/statistics.ts";

export interface MemoryReport {
  readonly samples: number;
  /** Medians of the first and the last quarter after the warm-up. */
  readonly firstBytes: number;
  readonly lastBytes: number;
  readonly maxBytes: number;
  /** Growth beyond this is a finding. */
  readonly allowedBytes: number;
}

/** The first part of a run fills caches, loads models and compiles code. */
const WARM_UP = 0.2;
/** Fewer samples say nothing about growth. */
const LEAST_SAMPLES = 40;
/** Resident memory also depends on which models happen to be loaded: at most those of the budget, 96 MiB. */
const ALLOWED_BYTES = 96 * 1024 * 1024;

/** Compares the resident memory at the beginning and at the end of a run. */
export function reportMemory(residentBytes: readonly number[]): MemoryReport | undefined {
  const settled = residentBytes.slice(Math.floor(residentBytes.length * WARM_UP));
  if (settled.length < LEAST_SAMPLES) return undefined;
  const quarter = Math.floor(settled.length / 4);
  return {
    samples: settled.length,
    firstBytes: toSpread(settled.slice(0, quarter)).median,
    lastBytes: toSpread(settled.slice(-quarter)).median,
    maxBytes: toSpread(settled).max,
    allowedBytes: ALLOWED_BYTES,
  };
}

export function hasGrown({ firstBytes, lastBytes, allowedBytes }: MemoryReport): boolean {
  return lastBytes - firstBytes > allowedBytes;
}

import { toSpread } from "../bench/statistics.ts";

/** Memory when so many requests had been sent. */
export interface MemorySample {
  readonly requests: number;
  /** Of workerd. */
  readonly residentBytes: number;
  /** Of the Worker's isolate: JavaScript objects and array buffers, without wasm memories. */
  readonly heapBytes: number;
}

/** A measure early and late in a run, after the warm-up. */
export interface Growth {
  readonly name: string;
  readonly firstBytes: number;
  readonly lastBytes: number;
  /** More than this, late in the run, is a finding. */
  readonly limitBytes: number;
}

/** Until then caches fill, models are loaded and code is compiled. */
const WARM_UP_REQUESTS = 20_000;
/** Fewer requests say nothing about growth. */
const LEAST_REQUESTS = 40_000;
const MEBIBYTE = 2 ** 20;

interface Measure {
  readonly name: string;
  of(samples: readonly MemorySample[]): number;
  /** The most that may be used late in the run. */
  limitBytes(firstBytes: number): number;
}

const MEASURES: readonly Measure[] = [
  {
    // The limit of 128 MB is the isolate's. Its cache takes 8 MiB while it fills; a kilobyte left by each of 100,000 requests
    // is 98 MiB.
    name: "least heap of the isolate",
    of: (samples) => toSpread(samples.map(({ heapBytes }) => heapBytes)).min,
    limitBytes: (firstBytes) => firstBytes + 32 * MEBIBYTE,
  },
  {
    // It has the simulated storage too, which grows with names, uploads and cached predictions (measured: 200 to 270 MiB in
    // 180,000 requests, and flat without these), so only a leak of another size shows in it.
    name: "median of workerd's resident memory",
    of: (samples) => toSpread(samples.map(({ residentBytes }) => residentBytes)).median,
    limitBytes: () => 1280 * MEBIBYTE,
  },
];

/** Compares the first and the last quarter after the warm-up. @returns nothing when the run was too short */
export function measureGrowth(samples: readonly MemorySample[]): Growth[] {
  const settled = samples.filter(({ requests }) => requests >= WARM_UP_REQUESTS);
  const last = settled.at(-1)?.requests ?? 0;
  if (last < WARM_UP_REQUESTS + LEAST_REQUESTS) return [];
  const quarter = (last - WARM_UP_REQUESTS) / 4;
  const first = settled.filter(({ requests }) => requests <= WARM_UP_REQUESTS + quarter);
  const final = settled.filter(({ requests }) => requests >= last - quarter);
  return MEASURES.map(({ name, of, limitBytes }) => {
    const firstBytes = of(first);
    return { name, firstBytes, lastBytes: of(final), limitBytes: limitBytes(firstBytes) };
  });
}

export function hasGrown({ lastBytes, limitBytes }: Growth): boolean {
  return lastBytes > limitBytes;
}

export function formatGrowth({ name, firstBytes, lastBytes, limitBytes }: Growth): string {
  const [first, last, limit] = [firstBytes, lastBytes, limitBytes].map((bytes) =>
    (bytes / MEBIBYTE).toFixed(0),
  );
  return `${name}: ${first} MiB in the first quarter after ${WARM_UP_REQUESTS} requests, ${last} MiB in the last; the limit is ${limit} MiB`;
}

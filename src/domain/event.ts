import type { CacheTierName } from "./cache.ts";
import { type CacheReport, createCacheReport, type MissReason } from "./cache-control.ts";

/**
 * One event for each request: the form that every sink (console, Tail Worker, metrics) shares.
 * Fields are only ever added; a change of meaning raises {@link EVENT_SCHEMA_VERSION}.
 */
export const EVENT_SCHEMA_VERSION = 1;

/** The parts of a request whose durations are taken, in the order in which they happen. */
export const PHASES = [
  "body", // reading the request's body
  "resolve", // finding the version and its manifest
  "cache", // computing the key and asking the tiers
  "load", // reading the model from storage and creating its session; 0 when it was warm
  "decode", // understanding the body: JSON, tensors, image codecs, tokenizers
  "preprocess", // what was understood to tensors: columns, resizing, normalising
  "infer", // the engine's run
  "postprocess", // output tensors to answers: labels, boxes, pooling
  "encode", // serialising the answer
] as const;
export type Phase = (typeof PHASES)[number];

export interface RequestEvent {
  readonly event: "request";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  /** Start of the request, ISO 8601. */
  readonly time: string;
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, never the path: paths are unbounded. `unmatched` when there is none. */
  readonly route: string;
  readonly status: number;
  /** Present when the answer is an error. */
  readonly errorCode?: string | undefined;
  /** What the client was told; present for a 5xx only, because that of a 4xx quotes the input. */
  readonly errorMessage?: string | undefined;
  /** What caused a 5xx, never shown to the client. */
  readonly errorCause?: string | undefined;
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** SHA-256 of the model that ran. */
  readonly digest?: string | undefined;
  /** `cold` when this request had to wait for the model to be loaded. */
  readonly temperature?: "cold" | "warm" | undefined;
  /** How the cache was used; absent where it plays no part. */
  readonly cache?: CacheEvent | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly totalMs: number;
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
  /**
   * Where the durations come from. Clocks of an isolate stand still during pure CPU work on
   * Cloudflare's network, so `isolate` durations of CPU phases are honest only in local runs.
   */
  readonly clock: "isolate";
}

export interface CacheEvent {
  readonly outcome: "hit" | "miss" | "bypass";
  /** Of a hit: where the answer was. */
  readonly tier?: CacheTierName | undefined;
  /** Of a miss or bypass. */
  readonly reason?: MissReason | undefined;
  /** The beginning of the key, to find the entry by; it tells nothing of the input. */
  readonly key?: string | undefined;
  readonly stored: boolean;
  readonly collapsed: boolean;
  /** Size of the answer in the cache. */
  readonly bytes?: number | undefined;
  readonly ageSeconds?: number | undefined;
  /** What the run took that a hit spared. */
  readonly savedMs?: number | undefined;
  readonly failures?:
    | readonly { readonly tier: CacheTierName; readonly problem: string }[]
    | undefined;
}

/** Emitted when cached answers are erased, as the record of it. */
export interface PurgeEvent {
  readonly event: "purge";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  readonly time: string;
  readonly requestId: string;
  /** What was erased; everything when none of these is there. */
  readonly model?: string;
  readonly version?: string;
  readonly client?: string;
  readonly dropped: { readonly isolate: number; readonly kv: number };
  /** Whether all that KV had was dropped; what it still has is not used, and goes with its ttl. */
  readonly complete: boolean;
}

export type TelemetryEvent = RequestEvent | PurgeEvent;

/** Collects what is known of a request while it is answered; the middleware makes the event of it. */
export class RequestTrace {
  readonly phasesMs: Partial<Record<Phase, number>> = {};
  /** What `server-timing` tells; the middleware takes it when the answer is made. */
  totalMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  model: string | undefined;
  version: string | undefined;
  digest: string | undefined;
  temperature: "cold" | "warm" | undefined;
  cache: CacheReport = createCacheReport();
  readonly #now: () => number;
  readonly #startedAt: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startedAt = now();
  }

  /** Since the trace began. */
  get elapsedMs(): number {
    return this.#now() - this.#startedAt;
  }

  /** Begins a phase; the function returned ends it, at its first call. */
  start(phase: Phase): () => void {
    const start = this.#now();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#add(phase, start);
    };
  }

  /** Adds the duration of `work` to a phase, also when it throws. */
  measure<T>(phase: Phase, work: () => T): T {
    const start = this.#now();
    try {
      return work();
    } finally {
      this.#add(phase, start);
    }
  }

  /** {@link measure} for work that waits. */
  async measureAsync<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const start = this.#now();
    try {
      return await work();
    } finally {
      this.#add(phase, start);
    }
  }

  #add(phase: Phase, start: number): void {
    this.phasesMs[phase] = (this.phasesMs[phase] ?? 0) + this.#now() - start;
  }
}

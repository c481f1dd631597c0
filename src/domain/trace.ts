import { type CacheReport, createCacheReport } from "./cache-control.ts";
import type { ExplanationEvent } from "./event.ts";
import type { GenerationProgress } from "./generation-progress.ts";
import type { IsolateEvent } from "./isolate-event.ts";
import type { GatheredStatistics, RequestStatistics } from "./statistics/request-statistics.ts";
import type { TaskKind } from "./task-kinds.ts";
import type { TraceContext } from "./trace-context.ts";
import type { StartPhaseSpan } from "./tracing.ts";

/** The phases of a request whose durations are measured, in the order in which they happen. */
export const PHASES = [
  "body", // reading the request's body
  "resolve", // finding the version and its manifest
  "cache", // computing the key and reading the tiers
  "load", // reading the model from storage and creating its session; 0 when it was loaded
  "parse", // the body's bytes to a request: JSON, forms, binary tensors
  "decode", // files to pixels or samples: image and audio codecs
  "preprocess", // inputs to tensors: columns, tokenizers, resizing, normalization
  "infer", // the engine's runs
  "postprocess", // output tensors to results: labels, boxes, pooling
  "serialize", // the result to the response's bytes
] as const;
export type Phase = (typeof PHASES)[number];

/** The phases in which a call keeps its isolate busy. */
export const BUSY_PHASES: readonly Phase[] = [
  "parse",
  "decode",
  "preprocess",
  "infer",
  "postprocess",
  "serialize",
];

/** For how long a call has kept its isolate busy until now, in milliseconds. */
export function busyMs({ phasesMs }: Pick<Trace, "phasesMs">): number {
  return BUSY_PHASES.reduce((sum, phase) => sum + (phasesMs[phase] ?? 0), 0);
}

/** Milliseconds with microsecond precision, which is enough and keeps events short. */
export function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** Adds a wait in a queue, also one that ends early. @param queued `undefined` when there was no need to wait */
export function measureQueue(trace: Trace, queued: Promise<void> | undefined) {
  trace.queueMs ??= 0;
  if (!queued) return undefined;
  const startMs = trace.elapsedMs;
  return queued.finally(() => {
    trace.queueMs = (trace.queueMs ?? 0) + trace.elapsedMs - startMs;
  });
}

/** Collects measurements and properties of a call, for its event and its headers. */
export class Trace {
  readonly phasesMs: Partial<Record<Phase, number>> = {};
  /** Until the response was created, for `server-timing`; until its body ended, for the event. */
  totalMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  model: string | undefined;
  version: string | undefined;
  /** That the request named. */
  alias: string | undefined;
  /** Of whose split the version was drawn. */
  split: string | undefined;
  /** The keyed hash of the subject that the request named. */
  subject: string | undefined;
  /** Whether what was predicted may be kept: not for a subject that the deployment has no key to hash with. */
  isKept = true;
  /** SHA-256 of the model file that ran, hexadecimal. */
  digest: string | undefined;
  /** Whether the call waited for the model to be loaded; `undefined` when no model ran. */
  coldStart: boolean | undefined;
  /** Of a request that asks why: what was made, and the rows that the model was run for. */
  explanation: ExplanationEvent | undefined;
  /** Absent when no tokens are generated. */
  generation: GenerationProgress | undefined;
  /** Absent when the model ran in the isolate that handled the request. */
  isolate: IsolateEvent | undefined;
  /** How long the call waited in queues; `undefined` when it was not queued. */
  queueMs: number | undefined;
  /** What the models of the isolate took when one of them was used last, in bytes. */
  heapBytes: number | undefined;
  /** Runs of the engine. */
  executions = 0;
  /** Of the version. */
  task: TaskKind | undefined;
  /** What the runs in this isolate tell of inputs and outputs. */
  statistics: RequestStatistics | undefined;
  /** What was gathered elsewhere: in the isolate of the model, or by the request whose stored response was sent. */
  gathered: GatheredStatistics | undefined;
  /** Where the call belongs in a distributed trace; absent of work that no request has asked for. */
  context: TraceContext | undefined;
  cache: CacheReport = createCacheReport();
  /** Whether the response must not tell how the cache was used, by its headers or by `only-if-cached`. */
  hidesCache = false;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #startSpan: StartPhaseSpan | undefined;

  /** @param startSpan begins a span of the platform for each phase; absent where it makes no trace */
  constructor(now: () => number = () => performance.now(), startSpan?: StartPhaseSpan) {
    this.#now = now;
    this.#startSpan = startSpan;
    this.#startedAt = now();
  }

  /** Since the trace began. */
  get elapsedMs(): number {
    return this.#now() - this.#startedAt;
  }

  /** Starts a phase; the first call of the returned function ends it. */
  start(phase: Phase): () => void {
    const start = this.#now();
    const span = this.#startSpan?.(phase);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      span?.end();
      this.#add(phase, start);
    };
  }

  /**
   * Adds the duration of `work` to a phase, also when it throws.
   * @param runs of the engine that it makes
   */
  measure<T>(phase: Phase, work: () => T, runs = phase === "infer" ? 1 : 0): T {
    this.executions += runs;
    const start = this.#now();
    const span = this.#startSpan?.(phase);
    try {
      return work();
    } finally {
      span?.end();
      this.#add(phase, start);
    }
  }

  /** {@link measure} for work that waits. */
  async measureAsync<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const start = this.#now();
    const span = this.#startSpan?.(phase);
    try {
      return await work();
    } finally {
      span?.end();
      this.#add(phase, start);
    }
  }

  /** Adds to a phase what was measured elsewhere, or takes away what was measured for others. */
  add(phase: Phase, ms: number): void {
    this.phasesMs[phase] = (this.phasesMs[phase] ?? 0) + ms;
  }

  #add(phase: Phase, start: number): void {
    this.add(phase, this.#now() - start);
  }
}

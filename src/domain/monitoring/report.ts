import type { Gauge } from "./aggregate.ts";
import type { Counts } from "./counts.ts";
import type { Unreachable } from "./monitoring.ts";

/** Of a distribution of durations, in milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What requests cost by the list prices of Cloudflare, without what a plan includes. In US dollars. */
export interface CostEstimate {
  readonly total: number;
  readonly requests: number;
  readonly cpu: number;
  /** Reads and writes of the KV namespace of the cache. */
  readonly cache: number;
  readonly cpuMs: number;
  /** Whether the CPU time is that of the platform, by the Tail Worker, or the sum of phases; `unknown` where clocks stood still. */
  readonly cpuBasis: "platform" | "phases" | "unknown";
}

/** What requests of some time have done. */
export interface TrafficSummary {
  readonly requests: number;
  /** With a status of 5xx, and of 4xx. */
  readonly errors: number;
  readonly clientErrors: number;
  /** Absent without requests. */
  readonly latencyMs?: Percentiles;
  readonly queueMs?: Percentiles;
  readonly timeToFirstTokenMs?: Percentiles;
  readonly cpuMs?: Percentiles;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly cacheBypasses: number;
  /** What hits have saved. */
  readonly savedMs: number;
  readonly coldStarts: number;
  readonly heapBytes?: Readonly<Gauge>;
  readonly inferences: number;
  readonly executions: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly audioSeconds: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cost: CostEstimate;
}

export interface VersionSummary extends TrafficSummary {
  readonly version: string;
}

export interface ModelSummary extends TrafficSummary {
  /** Empty for requests without a model. */
  readonly model: string;
  /** The newest first; empty for requests without one. */
  readonly versions: readonly VersionSummary[];
}

export interface CountedError {
  readonly status: number;
  /** Absent of a response without a code. */
  readonly code?: string;
  readonly count: number;
}

/** What a report is of. */
export interface ReportFrame {
  /** In milliseconds since the epoch; windows begin at multiples of their length, so that the first one may begin before what was asked for. */
  readonly from: number;
  readonly to: number;
  /** Shards that did not answer, so that their models are missing. */
  readonly unreachable: readonly Unreachable[];
}

export interface OverviewReport extends ReportFrame {
  readonly total: TrafficSummary;
  /** Those with the most requests first. */
  readonly models: readonly ModelSummary[];
  /** The most frequent first. */
  readonly errors: readonly CountedError[];
  readonly operations: Counts;
  readonly dataCenters: Counts;
  readonly countries: Counts;
  /** How invocations ended, by the platform's word. */
  readonly invocations: Counts;
  /** Events that were lost on their way, so that numbers are too small, by reason. */
  readonly lost: Counts;
}

/** Numbers by window, in the order of `starts`; `null` where there is none. */
export interface Series {
  /** Empty where the series is of all. */
  readonly model: string;
  readonly version: string;
  readonly requests: readonly number[];
  readonly errors: readonly number[];
  readonly clientErrors: readonly number[];
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  readonly cacheHits: readonly number[];
  readonly cacheMisses: readonly number[];
  readonly coldStarts: readonly number[];
  readonly heapBytes: readonly (number | null)[];
  readonly outputTokens: readonly number[];
}

export const SERIES_GROUPS = ["total", "model", "version"] as const;
export type SeriesGroup = (typeof SERIES_GROUPS)[number];

export interface SeriesReport extends ReportFrame {
  readonly stepSeconds: number;
  /** In milliseconds since the epoch. */
  readonly starts: readonly number[];
  readonly series: readonly Series[];
}

/** An input of a version in some time. */
export interface ObservedInput {
  readonly name: string;
  readonly kind: "numeric" | "category" | "text" | "image" | "audio";
  readonly count: number;
  readonly missing: number;
  readonly mean?: number;
  readonly deviation?: number;
  /** By the bins or categories of the reference profile; absent without one, and of few requests. */
  readonly counts?: readonly number[];
}

export interface ObservedLabel {
  readonly label: string;
  readonly count: number;
  /** Counts of its confidences in 20 bins from 0 to 1; absent where there are none. */
  readonly confidence?: readonly number[];
}

export interface HistogramReport extends ReportFrame {
  readonly model: string;
  readonly version: string;
  readonly requests: number;
  /** From how many requests, and values, on counts, means and labels are in it. */
  readonly shownFrom: number;
  /** The digest of the reference profile of the bins; absent without one. */
  readonly profile?: string;
  readonly inputs: readonly ObservedInput[];
  readonly predictions: number;
  /** The most frequent first; none of few requests. */
  readonly labels: readonly ObservedLabel[];
  readonly value?: ObservedInput;
}

export interface ReportRequest {
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly stepSeconds: number;
  /** Whether requests that used no model are left out. */
  readonly onlyModels: boolean;
  /** Whether the client may read of a model; of none where the name is empty. */
  readonly mayRead: (model: string) => boolean;
}

/** What is shown of what was collected. */
export interface Reports {
  overview(request: ReportRequest): Promise<OverviewReport>;
  series(request: ReportRequest & { readonly group: SeriesGroup }): Promise<SeriesReport>;
  histograms(
    request: ReportRequest & { readonly model: string; readonly version: string },
  ): Promise<HistogramReport>;
}

import type { TelemetryEvent } from "../event.ts";
import type { Aggregate } from "./aggregate.ts";
import type { ActiveModel } from "./collector.ts";
import type { ModelMetrics } from "./shard-metrics.ts";

/** The requests of a version since its first one. Both names are empty for requests without a model. */
export interface VersionTotals {
  readonly model: string;
  readonly version: string;
  readonly aggregate: Aggregate;
}

/** The requests of a version in a time. */
export interface Window extends VersionTotals {
  /** In milliseconds since the epoch. */
  readonly start: number;
  readonly seconds: number;
}

export interface SeriesRequest {
  /** All models when it is absent, and all versions. */
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** In milliseconds since the epoch; windows that overlap are returned. */
  readonly from: number;
  readonly to: number;
  /** The length of windows: 60, or a multiple of it. */
  readonly stepSeconds: number;
}

export interface RecentEvents {
  readonly events: readonly TelemetryEvent[];
  /** To go on from. */
  readonly cursor: string;
  /** Events that were left out since the cursor of the request. */
  readonly missed: number;
}

/** Shards that did not answer. */
export interface Unreachable {
  readonly shard: string;
  readonly problem: string;
}

export interface Answered<T> {
  readonly value: T;
  readonly unreachable: readonly Unreachable[];
}

export interface EventsRequest {
  /** All models when it is absent. */
  readonly model?: string | undefined;
  /** The cursor of the events before. */
  readonly after?: string | undefined;
}

/** What was collected of all isolates. What has not reached the collector yet, some seconds of requests, is not in it. */
export interface Monitoring {
  /** Never reset, also by restarts. Versions that are deleted are not among them any more. */
  totals(): Promise<Answered<readonly VersionTotals[]>>;
  /**
   * The totals, and what else there is for metrics.
   * @param options a shard that has not answered within that time is unreachable
   */
  metrics(options?: { readonly withinMs: number }): Promise<Answered<readonly ModelMetrics[]>>;
  series(request: SeriesRequest): Promise<Answered<readonly Window[]>>;
  /** The last events, oldest first, and those after a cursor. */
  events(request?: EventsRequest): Promise<Answered<RecentEvents>>;
  /** Models that have had requests, those of the last time first. */
  models(): Promise<readonly ActiveModel[]>;
}

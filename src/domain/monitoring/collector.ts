import type { DataSelector } from "../data-selector.ts";
import type { TelemetryEvent } from "../event.ts";
import type { Aggregate } from "./aggregate.ts";
import type { CanaryVerdict } from "./canary-report.ts";
import type { RecentEvents, VersionTotals, Window } from "./monitoring.ts";
import type { PredictionBatch } from "./prediction-batch.ts";

/** The shard of what belongs to no model, of the list of models, and of alerts. */
export const SERVICE_SHARD = "service";
const MODEL_SHARD = "model:";

/** The name of the Durable Object that has what was collected of a model; of none, that of the service. */
export function shardOf(model: string): string {
  return model === "" ? SERVICE_SHARD : `${MODEL_SHARD}${model}`;
}

/** The model whose shard it is; the empty name for that of the service. */
export function modelOfShard(shard: string): string {
  return shard.startsWith(MODEL_SHARD) ? shard.slice(MODEL_SHARD.length) : "";
}

export const WINDOW_SECONDS = 60;

/** The requests of a version in a minute, as far as one sender has seen them since its last batch. */
export interface WindowDelta {
  readonly model: string;
  readonly version: string;
  /** Of the minute, in milliseconds since the epoch. */
  readonly start: number;
  readonly aggregate: Aggregate;
}

/** How what is collected is stored. */
export interface CollectionPolicy {
  /** For how long a batch may wait in memory before it is stored. */
  readonly commitMs: number;
  /** For how long windows are kept. */
  readonly minutesForMs: number;
  readonly hoursForMs: number;
}

/** What a sender, which is an isolate or a Tail Worker, has folded since its last batch. */
export interface Batch {
  /** The sender's random id. */
  readonly source: string;
  /** One more than that of its last batch to this shard. A batch that is sent again has its number and its content again. */
  readonly number: number;
  readonly windows: readonly WindowDelta[];
  /** Some of the events, oldest first. */
  readonly events: readonly TelemetryEvent[];
  /** Events that are not among them. */
  readonly missed: number;
  /** Predictions of a model that wait for their truth, and how requests to its canaries went. */
  readonly predictions?: PredictionBatch | undefined;
  /** To the service's shard: models that have had requests. */
  readonly models: readonly string[];
  readonly policy: CollectionPolicy;
}

export interface BatchReceipt {
  /** Whether somebody follows the events, so that more of them are wanted. */
  readonly isWatched: boolean;
  /** Canaries that are worse, until one is acknowledged. */
  readonly canaries?: readonly CanaryVerdict[] | undefined;
}

export interface WindowsRequest {
  readonly version?: string | undefined;
  /** In milliseconds since the epoch; windows that overlap are returned. */
  readonly from: number;
  readonly to: number;
  /** A multiple of 60. */
  readonly stepSeconds: number;
}

export interface ActiveModel {
  readonly model: string;
  /** Of its last request, about, in milliseconds since the epoch. */
  readonly seenAt: number;
}

/** A Durable Object with what was collected of one shard, as its callers see it. */
export interface MetricsCollector {
  /**
   * Adds a batch. It is stored when the answer comes; one that the object has already is not added again.
   * @throws ApiError `invalid_request` for what no sender of this program sends
   */
  add(batch: Batch): Promise<BatchReceipt>;
  totals(): Promise<readonly VersionTotals[]>;
  windows(request: WindowsRequest): Promise<readonly Window[]>;
  /** The last events, and those after a cursor. */
  events(after?: string): Promise<RecentEvents>;
  /** Of the service's shard: all models that have had requests, those of the last time first. */
  models(): Promise<readonly ActiveModel[]>;
  /** Removes what was collected of a version, or of all; what is late is not added any more. */
  forget(version?: string): Promise<void>;
  /** Of the service's shard: removes a model from the list. */
  forgetModel(model: string): Promise<void>;
  /** Removes what tells of a key, a subject or a request; returns how much. */
  erase(selector: DataSelector): Promise<number>;
  export(selector: DataSelector): Promise<readonly unknown[]>;
}

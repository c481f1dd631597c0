import type { DataSelector } from "../domain/data-selector.ts";
import type { ShardGauges } from "../domain/monitoring/shard-metrics.ts";

/** A part of the Durable Object `METRICS`, which has its own tables and methods. */
export interface MonitoringPart {
  /** When it has something to do next, in milliseconds since the epoch; `undefined` for never. It is asked after each call of the object. */
  dueAt?(): number | undefined;
  /** Does what is due. It is called when anything is due, also for other parts, and may be called twice for the same. */
  work?(): Promise<void>;
  /** Removes what tells of a key, a subject or a request; returns how much. */
  erase?(selector: DataSelector): Promise<number>;
  /** What tells of a key, a subject or a request, as JSON values. */
  export?(selector: DataSelector): Promise<readonly unknown[]>;
  /** What it has for metrics, without a computation. */
  gauges?(): Promise<ShardGauges>;
  /** Removes what belongs to a version of the model whose shard this is, or to all of them. */
  forget?(version?: string): Promise<void>;
}

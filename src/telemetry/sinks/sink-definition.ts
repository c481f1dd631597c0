import type { OtlpSettings } from "../../domain/otlp-settings.ts";
import type { EventSink } from "../../domain/ports.ts";

/** What of an `AnalyticsEngineDataset` is used. */
export interface AnalyticsDataset {
  writeDataPoint(point: {
    readonly indexes: string[];
    readonly blobs: string[];
    readonly doubles: number[];
  }): void;
}

/** What a deployment has for its sinks. */
export interface SinkContext {
  /** Whether events are written on the console: `EVENT_LOG`. */
  readonly eventLog: boolean;
  readonly analytics?: AnalyticsDataset | undefined;
  /** Where events are exported to; absent without `OTLP_ENDPOINT`. */
  readonly otlp?: OtlpSettings | undefined;
  /** How long what is sent over the network may wait for more. */
  readonly flushMs: number;
  /** The version of the service. */
  readonly version: string;
  /** To be called when events are lost after `emit` has returned. */
  readonly onLost: (reason: string, events: number, error?: unknown) => void;
}

/**
 * A place to which events are written: those that sampling keeps, without values of inputs. What its `emit` throws is counted, and
 * neither a request nor another sink notices.
 */
export interface SinkDefinition {
  /** In counts of lost events, with `sink_` before it: lower case and underscores. */
  readonly name: string;
  /** @returns `undefined` where the deployment does not have it */
  create(context: SinkContext): EventSink | undefined;
}

/** A sink of somebody's own Worker. `onLost` is to be called when it has lost an event after its `emit` has returned. */
export type OwnSink = (onLost: (error: unknown) => void) => EventSink;

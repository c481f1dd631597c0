import type { TelemetryEvent } from "../../domain/event.ts";
import { type Aggregate, createAggregate } from "../../domain/monitoring/aggregate.ts";
import type { Batch, CollectionPolicy, WindowDelta } from "../../domain/monitoring/collector.ts";
import type { PredictionBuffer } from "../predictions/prediction-buffer.ts";

/** Events of a batch: of each shard and flush, and where somebody follows them. */
const MAX_EVENTS = 20;
const MAX_WATCHED_EVENTS = 200;

/** A batch that is being sent. */
export interface SentBatch {
  readonly batch: Batch;
  /** When it was sent first. */
  readonly since: number;
}

/** What one isolate has for one shard: windows that are still added to, and the one batch that may have arrived. */
export class ShardOutbox {
  /** Its first batch is 1. */
  #number = 0;
  readonly #windows = new Map<string, WindowDelta>();
  #events: TelemetryEvent[] = [];
  #missed = 0;
  #models: string[] = [];
  /** Until its receipt it is sent again as it is. */
  sent: SentBatch | undefined;
  /** Until when a call is waited for. */
  busyUntil = 0;
  isWatched = false;
  /** Gathers predictions of the model; absent where none are kept. */
  readonly predictions: PredictionBuffer | undefined;

  constructor(predictions?: PredictionBuffer) {
    this.predictions = predictions;
  }

  /** Windows in memory. */
  get size(): number {
    return this.#windows.size + (this.sent?.batch.windows.length ?? 0);
  }

  get isEmpty(): boolean {
    return (
      this.sent === undefined &&
      this.#windows.size === 0 &&
      this.#events.length === 0 &&
      this.#models.length === 0
    );
  }

  /** The aggregate of a version in a minute, to be added to. */
  aggregateOf(model: string, version: string, start: number): Aggregate {
    const key = `${start} ${version}`;
    const known = this.#windows.get(key);
    if (known) return known.aggregate;
    const window = { model, version, start, aggregate: createAggregate() };
    this.#windows.set(key, window);
    return window.aggregate;
  }

  /** Errors have a place before others. */
  addEvent(event: TelemetryEvent): void {
    this.#events.push(event);
    if (this.#events.length <= (this.isWatched ? MAX_WATCHED_EVENTS : MAX_EVENTS)) return;
    const place = this.#events.findIndex((each) => !isError(each));
    this.#events.splice(Math.max(place, 0), 1);
    this.#missed++;
  }

  addModel(model: string): void {
    this.#models.push(model);
  }

  /** The batch to send now: the one that has no receipt, or what there is since then. */
  take(source: string, policy: CollectionPolicy, now: number): SentBatch | undefined {
    if (this.sent || this.isEmpty) return this.sent;
    const predictions = this.predictions?.take();
    this.sent = {
      batch: {
        source,
        number: ++this.#number,
        windows: [...this.#windows.values()],
        events: this.#events,
        missed: this.#missed,
        models: this.#models,
        ...(predictions && { predictions }),
        policy,
      },
      since: now,
    };
    this.#windows.clear();
    this.#events = [];
    this.#missed = 0;
    this.#models = [];
    return this.sent;
  }

  /** Removes the oldest window; returns it. */
  dropOldest(): WindowDelta | undefined {
    const [first] = this.#windows;
    if (!first) return undefined;
    this.#windows.delete(first[0]);
    return first[1];
  }

  /** Events that were not sent yet. */
  get events(): readonly TelemetryEvent[] {
    return [...(this.sent?.batch.events ?? []), ...this.#events];
  }

  /** Removes events that were not sent yet. */
  removeEvents(isRemoved: (event: TelemetryEvent) => boolean): void {
    this.#events = this.#events.filter((event) => !isRemoved(event));
    if (!this.sent) return;
    const { batch, since } = this.sent;
    const events = batch.events.filter((event) => !isRemoved(event));
    this.sent = { batch: { ...batch, events }, since };
  }
}

function isError(event: TelemetryEvent): boolean {
  return event.event !== "request" || event.status >= 400;
}

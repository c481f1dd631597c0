import type { TelemetryEvent } from "../../domain/event.ts";
import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import {
  type CollectionPolicy,
  type MetricsCollector,
  modelOfShard,
  SERVICE_SHARD,
  shardOf,
  WINDOW_SECONDS,
  type WindowDelta,
} from "../../domain/monitoring/collector.ts";
import type { Counts } from "../../domain/monitoring/counts.ts";
import { addLabel } from "../../domain/monitoring/merge-aggregate.ts";
import type { EventSink } from "../../domain/ports.ts";
import { LruMap } from "../../shared/lru-map.ts";
import { sleep } from "../../shared/sleep.ts";
import type { PredictionBuffer } from "../predictions/prediction-buffer.ts";
import { foldEvent, placeOf } from "./fold-event.ts";
import { createSender, type SenderOptions } from "./send-batch.ts";
import { ShardOutbox } from "./shard-outbox.ts";

export interface AggregationOptions {
  /** The Durable Object of a shard. */
  readonly connect: (shard: string) => Pick<MetricsCollector, "add">;
  readonly policy: CollectionPolicy;
  /** Between the first event and the batch that has it. */
  readonly flushMs: number;
  /** Keeps the isolate running until work is settled; it is called in the middle of a request. */
  readonly keepAlive: (work: Promise<unknown>) => void;
  /** What else is counted, since the last call: losses of sinks by reason, and what became of models in memory. */
  readonly takeLosses?: () => Counts;
  readonly takeEngine?: () => Promise<Counts>;
  /** Gathers predictions of a model, which are sent with its aggregates. */
  readonly bufferOf?: ((model: string) => PredictionBuffer) | undefined;
  readonly onCanaries?: SenderOptions["onCanaries"];
  /** The random id of this isolate. */
  readonly source?: string;
  readonly now?: () => number;
  readonly wait?: (milliseconds: number) => Promise<void>;
}

export interface Aggregation {
  /** Counts every event. */
  readonly sink: EventSink;
  /** Passes on events that may be watched. */
  readonly liveSink: EventSink;
  /** Counts events that were lost. */
  lose(reason: string, count: number): void;
  /** Sends what there is, at once; it never throws. */
  flush(): Promise<void>;
  /** Events that were not sent yet, and their removal. */
  all(): readonly TelemetryEvent[];
  remove(isRemoved: (event: TelemetryEvent) => boolean): number;
}

interface LastEvent extends Pick<WindowDelta, "model" | "version" | "start" | "aggregate"> {
  readonly predictions: PredictionBuffer | undefined;
}

/** Windows in memory, of all shards; each is some kilobytes. */
const MAX_WINDOWS = 256;
/** Models that are known to exist, and shards. */
const MAX_MODELS = 1000;
/** How often a model is reported to the service's shard. */
const REPORT_MS = 30_000;
/** While somebody follows the events. */
const WATCHED_FLUSH_MS = 1000;
const WINDOW_MS = WINDOW_SECONDS * 1000;

/**
 * Folds the events of this isolate into aggregates, and sends these to the collector: one batch a shard, some seconds after the first event. The
 * sender of an event never waits for it. What there is no room for is counted by reason.
 */
export function createAggregation(options: AggregationOptions): Aggregation {
  const { flushMs, keepAlive, takeLosses, takeEngine, now = Date.now, wait = sleep } = options;
  const outboxes = new Map<string, ShardOutbox>();
  /** When a model that has had a request was reported to the service's shard. */
  const reportedAt = new LruMap<string, number>(MAX_MODELS);
  const send = createSender({ ...options, now, onLost });
  /** By then the planned flush has begun, unless the request that it was planned in was ended. */
  let plannedUntil = 0;
  /** The aggregate of the last event, which is that of the next one mostly. */
  let last: LastEvent | undefined;

  function outboxOf(shard: string): ShardOutbox {
    const known = outboxes.get(shard);
    if (known) return known;
    const model = modelOfShard(shard);
    const outbox = new ShardOutbox(model === "" ? undefined : options.bufferOf?.(model));
    outboxes.set(shard, outbox);
    return outbox;
  }

  function aggregateOf(model: string, version: string): Aggregate {
    const start = Math.floor(now() / WINDOW_MS) * WINDOW_MS;
    if (last?.start === start && last.version === version && last.model === model)
      return last.aggregate;
    // Before there is another one, which is not dropped then.
    makeRoom();
    const outbox = outboxOf(shardOf(model));
    const aggregate = outbox.aggregateOf(model, version, start);
    last = { model, version, start, aggregate, predictions: outbox.predictions };
    return aggregate;
  }

  function makeRoom(): void {
    let size = 0;
    for (const outbox of outboxes.values()) size += outbox.size;
    if (size < MAX_WINDOWS) return;
    const largest = [...outboxes.values()].reduce((one, two) => (two.size > one.size ? two : one));
    const dropped = largest.dropOldest();
    if (dropped) onLost("overflow", [dropped]);
  }

  function onLost(reason: string, windows: readonly WindowDelta[]): void {
    last = undefined;
    const count = windows.reduce((sum, { aggregate }) => sum + aggregate.requests, 0);
    const lostBefore = windows.map(({ aggregate }) => aggregate.lost);
    lose(reason, count);
    // What they had counted as lost still is.
    for (const lost of lostBefore)
      for (const [each, number] of Object.entries(lost)) lose(each, number);
  }

  function lose(reason: string, count: number): void {
    if (count > 0) addLabel(aggregateOf("", ""), "lost", reason, count);
  }

  function seeModel(model: string): void {
    if (now() - (reportedAt.peek(model) ?? Number.NEGATIVE_INFINITY) < REPORT_MS) return;
    reportedAt.set(model, now());
    outboxOf(SERVICE_SHARD).addModel(model);
  }

  function plan(): void {
    if (now() < plannedUntil) return;
    const waitMs = isWatched() ? Math.min(flushMs, WATCHED_FLUSH_MS) : flushMs;
    plannedUntil = now() + 2 * waitMs + 1000;
    keepAlive(
      wait(waitMs).then(async () => {
        plannedUntil = 0;
        // Once more when it fails: there may be no other request.
        if (!(await flush())) await wait(flushMs).then(flush);
      }),
    );
  }

  function isWatched(): boolean {
    for (const outbox of outboxes.values()) if (outbox.isWatched) return true;
    return false;
  }

  /** @returns whether all has arrived */
  async function flush(): Promise<boolean> {
    for (const [reason, count] of Object.entries(takeLosses?.() ?? {})) lose(reason, count);
    const engine = await takeEngine?.().catch(() => undefined);
    for (const [what, count] of Object.entries(engine ?? {}))
      if (count > 0) addLabel(aggregateOf("", ""), "engine", what, count);
    last = undefined;
    const arrived = await Promise.all([...outboxes].map((entry) => send(...entry)));
    // A watched one would forget that it is.
    for (const [shard, outbox] of outboxes)
      if (outbox.isEmpty && !outbox.isWatched && outboxes.size > MAX_MODELS) outboxes.delete(shard);
    return arrived.every(Boolean);
  }

  return {
    sink: {
      emit(event) {
        const place = placeOf(event, (model) => reportedAt.peek(model) !== undefined);
        if (!place) return;
        if (place.model !== "" && place.version !== "") seeModel(place.model);
        foldEvent(aggregateOf(place.model, place.version), event, now());
        if (event.event === "request") last?.predictions?.add(event);
        plan();
      },
    },
    liveSink: {
      emit(event) {
        const model = placeOf(event, (name) => reportedAt.peek(name) !== undefined)?.model;
        outboxOf(shardOf(model ?? "")).addEvent(event);
        plan();
      },
    },
    lose,
    flush: async () => void (await flush()),
    all: () => [...outboxes.values()].flatMap(({ events }) => events),
    remove(isRemoved) {
      let before = 0;
      let after = 0;
      for (const outbox of outboxes.values()) {
        before += outbox.events.length;
        outbox.removeEvents(isRemoved);
        after += outbox.events.length;
      }
      return before - after;
    },
  };
}

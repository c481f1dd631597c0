import type { Config } from "../config.ts";
import type { EventLog } from "../domain/event-log.ts";
import type { StatisticsReader } from "../domain/inference-statistics.ts";
import type { EventSink } from "../domain/ports.ts";
import type { ShadowStatistics } from "../domain/shadow-statistics.ts";
import type { Tracing } from "../domain/tracing.ts";
import type { OnnxflareEnv } from "../env.ts";
import type { ScrubSecrets } from "../shared/scrub-secrets.ts";
import type { Aggregation } from "../telemetry/aggregation/aggregation.ts";
import type { IsolateTotals } from "../telemetry/aggregation/isolate-totals.ts";
import { createCacheStatisticsSink } from "../telemetry/cache-statistics.ts";
import { createEventLog } from "../telemetry/event-log.ts";
import { countLosses, createEventLosses, type EventLosses } from "../telemetry/event-losses.ts";
import { createFanOutSink } from "../telemetry/fan-out-sink.ts";
import { createStatisticsSink } from "../telemetry/inference-statistics.ts";
import { createPlatformAttributesSink } from "../telemetry/platform-attributes-sink.ts";
import { createSampler } from "../telemetry/sampling.ts";
import { createScrubbingSink } from "../telemetry/scrubbing-sink.ts";
import { createShadowStatisticsSink } from "../telemetry/shadow-statistics.ts";
import { SINKS } from "../telemetry/sinks/registry.ts";
import type { OwnSink } from "../telemetry/sinks/sink-definition.ts";
import { createWritingSink } from "../telemetry/writing-sink.ts";

/** The sinks of all events, and what is read of them. */
export interface Telemetry {
  readonly sink: EventSink;
  readonly eventLog: EventLog;
  readonly statistics: StatisticsReader;
  readonly cacheStatistics: ReturnType<typeof createCacheStatisticsSink>;
  readonly shadowStatistics: ShadowStatistics & { forget(name: string, version: string): void };
  /** Events that sinks have lost. */
  readonly losses: EventLosses;
  /** What this isolate sends to the collector; `undefined` without one. */
  readonly collection: Aggregation | undefined;
  /** What this isolate has counted; nothing where there is a collector. */
  readonly isolateTotals: IsolateTotals;
}

export interface TelemetryOptions {
  readonly config: Pick<Config, "events" | "otlp" | "monitoring">;
  /** The version of the service. */
  readonly version: string;
  readonly tracing: Tracing;
  readonly env: Pick<OnnxflareEnv, "ANALYTICS">;
  /** Removes secrets from the texts of events. */
  readonly scrub: ScrubSecrets;
  readonly ownSinks?: readonly OwnSink[];
  /** Counts every event for the collector, which gets some that are written. */
  readonly collect?: (losses: EventLosses) => Aggregation;
  /** Counts every event, where nothing collects. */
  readonly count: (losses: EventLosses) => IsolateTotals;
}

/** The reason of what sinks of somebody's own Worker lose. */
const OWN = "sink_own";

/** Every event is counted, and those that sampling keeps are written. */
export function createTelemetry({
  config,
  version,
  tracing,
  env,
  scrub,
  ownSinks = [],
  collect,
  count,
}: TelemetryOptions): Telemetry {
  const { log, sampling } = config.events;
  const statistics = createStatisticsSink();
  const cacheStatistics = createCacheStatisticsSink();
  const shadowStatistics = createShadowStatisticsSink();
  const eventLog = createEventLog();
  const losses = createEventLosses({ onNotice: (notice) => sink.emit(notice) });
  const context = {
    eventLog: log,
    analytics: env.ANALYTICS,
    otlp: config.otlp,
    flushMs: config.monitoring.flushMs,
    version,
    onLost: losses.count,
  };
  const written = SINKS.flatMap(({ name, create }) => {
    const created = create(context);
    return created ? [countLosses(created, `sink_${name}`, losses)] : [];
  });
  const own = ownSinks.map((create) =>
    countLosses(
      create((error) => losses.count(OWN, 1, error)),
      OWN,
      losses,
    ),
  );
  const collection = collect?.(losses);
  const isolateTotals = count(losses);
  const live = collection ? [collection.liveSink] : [];
  const writing = createWritingSink(
    createFanOutSink(eventLog, ...live, ...written, ...own),
    createSampler(sampling),
  );
  const sink = createScrubbingSink(
    createFanOutSink(
      statistics,
      cacheStatistics,
      shadowStatistics,
      (collection ?? isolateTotals).sink,
      createPlatformAttributesSink(tracing),
      writing,
    ),
    scrub,
  );
  return {
    sink,
    eventLog,
    statistics,
    cacheStatistics,
    shadowStatistics,
    losses,
    collection,
    isolateTotals,
  };
}

import type { Config } from "../config.ts";
import type { EventLog } from "../domain/event-log.ts";
import type { StatisticsReader } from "../domain/inference-statistics.ts";
import type { EventSink } from "../domain/ports.ts";
import type { ShadowStatistics } from "../domain/shadow-statistics.ts";
import type { ScrubSecrets } from "../shared/scrub-secrets.ts";
import { createCacheStatisticsSink } from "../telemetry/cache-statistics.ts";
import { createConsoleSink } from "../telemetry/console-sink.ts";
import { createEventLog } from "../telemetry/event-log.ts";
import { createFanOutSink } from "../telemetry/fan-out-sink.ts";
import { createStatisticsSink } from "../telemetry/inference-statistics.ts";
import { createScrubbingSink } from "../telemetry/scrubbing-sink.ts";
import { createShadowStatisticsSink } from "../telemetry/shadow-statistics.ts";

/** The sinks of all events, and what is read of them. */
export interface Telemetry {
  readonly sink: EventSink;
  readonly eventLog: EventLog;
  readonly statistics: StatisticsReader;
  readonly cacheStatistics: ReturnType<typeof createCacheStatisticsSink>;
  readonly shadowStatistics: ShadowStatistics & { forget(name: string, version: string): void };
}

/**
 * @param scrub removes secrets from the texts of events
 * @param ownSink of somebody's own Worker
 */
export function createTelemetry(
  config: Config,
  scrub: ScrubSecrets,
  ownSink?: EventSink,
): Telemetry {
  const statistics = createStatisticsSink();
  const cacheStatistics = createCacheStatisticsSink();
  const shadowStatistics = createShadowStatisticsSink();
  const eventLog = createEventLog();
  const sinks: EventSink[] = [statistics, cacheStatistics, eventLog, shadowStatistics];
  if (config.eventLog) sinks.push(createConsoleSink());
  if (ownSink) sinks.push(ownSink);
  const sink = createScrubbingSink(createFanOutSink(...sinks), scrub);
  return { sink, eventLog, statistics, cacheStatistics, shadowStatistics };
}

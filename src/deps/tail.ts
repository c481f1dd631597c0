import { version } from "../../package.json";
import { parseConfig } from "../config.ts";
import type { TelemetryEvent } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";
import type { TailEnv } from "../env.ts";
import { createAggregation } from "../telemetry/aggregation/aggregation.ts";
import { countLosses, createEventLosses } from "../telemetry/event-losses.ts";
import { createFanOutSink } from "../telemetry/fan-out-sink.ts";
import { keepAlive } from "../telemetry/keep-alive.ts";
import { createCallbackSink } from "../telemetry/sinks/callback-sink.ts";
import { createConsoleSink } from "../telemetry/sinks/console-sink.ts";
import { OTLP_SINK } from "../telemetry/sinks/otlp-sink.ts";
import { createTailHandler } from "../telemetry/tail/tail.ts";
import type { TracedInvocation } from "../telemetry/tail/trace-item.ts";
import { createMetricsShards } from "./monitoring.ts";

export interface TailOverrides {
  /** Receives the events of the Worker, those of requests with what the platform says, and invocations that were lost. */
  readonly onEvent?: ((event: TelemetryEvent) => void | Promise<void>) | undefined;
}

const OWN = "sink_own";

/**
 * The composition root of the Tail Worker.
 * @throws Error that names an invalid setting
 */
export function createTailServices(
  env: TailEnv,
  { onEvent }: TailOverrides = {},
): (items: readonly TracedInvocation[]) => void {
  const config = parseConfig(env);
  const console = createConsoleSink();
  const losses = createEventLosses({ onNotice: (notice) => console.emit(notice) });
  const shards = createMetricsShards(env);
  const collection =
    shards &&
    createAggregation({
      ...config.monitoring,
      connect: shards,
      keepAlive,
      takeLosses: () => losses.take() ?? {},
    });
  const otlp = OTLP_SINK.create({
    eventLog: false,
    otlp: config.otlp,
    flushMs: config.monitoring.flushMs,
    version,
    onLost: losses.count,
  });
  const own = onEvent && createCallbackSink(onEvent, (error) => losses.count(OWN, 1, error));
  const sinks: EventSink[] = [];
  if (otlp) sinks.push(countLosses(otlp, "sink_otlp", losses));
  if (own) sinks.push(countLosses(own, OWN, losses));
  return createTailHandler({
    collector: collection?.sink,
    sinks,
    lost: createFanOutSink(console, ...(collection ? [collection.liveSink] : [])),
    onLost: losses.count,
  });
}

import { version } from "../../package.json";
import { parseConfig, readSecrets } from "../config.ts";
import type { TelemetryEvent } from "../domain/event.ts";
import { shardOf } from "../domain/monitoring/collector.ts";
import type { OnnxflareEnv } from "../env.ts";
import type { MetricsEnvironment } from "../monitoring/environment.ts";
import { createScrubber, scrubTexts } from "../shared/scrub-secrets.ts";
import { CONSOLE_SINK } from "../telemetry/sinks/console-sink.ts";
import { createAlertReports } from "./alert-reports.ts";
import { createMetricsShards, type MetricsShards } from "./monitoring.ts";

/**
 * What the Durable Object `METRICS` uses of its Worker.
 * @returns `undefined` where the Worker is not configured: its requests fail with the reason, and what was collected of them is kept
 */
export function createMetricsEnvironment(env: OnnxflareEnv): MetricsEnvironment | undefined {
  const shards = createMetricsShards(env);
  if (!shards) return undefined;
  try {
    return create(env, shards);
  } catch {
    return undefined;
  }
}

function create(env: OnnxflareEnv, shards: MetricsShards): MetricsEnvironment {
  const config = parseConfig(env);
  const console = CONSOLE_SINK.create({
    eventLog: config.events.log,
    flushMs: config.monitoring.flushMs,
    version,
    onLost: () => undefined,
  });
  const scrub = createScrubber(readSecrets(env), { findsCut: true });
  return {
    shard: (model) => shards(shardOf(model)),
    reports: createAlertReports(env.MODELS, config, shards),
    fetch: (url, init) => fetch(url, init),
    emit(event) {
      const scrubbed = scrubTexts(event, scrub) as TelemetryEvent;
      console?.emit(scrubbed);
      return scrubbed;
    },
    privacyKey: config.privacyKey,
    evaluateEveryMs: config.alerts.intervalSeconds * 1000,
    userAgent: `onnxflare/${version}`,
  };
}

import { version } from "../../package.json";
import type { Config } from "../config.ts";
import type { MetricsMethods } from "../domain/monitoring/metrics-methods.ts";
import type { MetricsText } from "../domain/monitoring/metrics-text.ts";
import type { Monitoring } from "../domain/monitoring/monitoring.ts";
import type { Reports } from "../domain/monitoring/report.ts";
import type { ModelStore } from "../domain/ports.ts";
import type { OnnxflareEnv } from "../env.ts";
import { type CollectedVersions, createCollectedVersions } from "../monitoring/forget.ts";
import { createMonitoring } from "../monitoring/reader.ts";
import { createRemoteMetrics, type MetricsStub } from "../monitoring/remote-metrics.ts";
import { createReports } from "../monitoring/reports/reports.ts";
import type { Catalog } from "../registry/catalog.ts";
import {
  type Aggregation,
  type AggregationOptions,
  createAggregation,
} from "../telemetry/aggregation/aggregation.ts";
import { createEngineCounts } from "../telemetry/aggregation/engine-counts.ts";
import {
  createIsolateTotals,
  type IsolateTotals,
} from "../telemetry/aggregation/isolate-totals.ts";
import type { EventLosses } from "../telemetry/event-losses.ts";
import { keepAlive } from "../telemetry/keep-alive.ts";
import { createMetricsText } from "../telemetry/prometheus/metrics-text.ts";
import type { DeployedHost } from "./hosts.ts";

/** The shards of the Durable Object `METRICS`, by their names. */
export type MetricsShards = (shard: string) => MetricsMethods;

/** `undefined` without the binding. */
export function createMetricsShards({
  METRICS: namespace,
}: Pick<OnnxflareEnv, "METRICS">): MetricsShards | undefined {
  return (
    namespace && ((shard) => createRemoteMetrics(() => namespace.getByName(shard) as MetricsStub))
  );
}

export interface CollectionParts {
  readonly shards: MetricsShards;
  readonly config: Pick<Config, "monitoring">;
  readonly losses: Pick<EventLosses, "take">;
  /** For what becomes of models in memory; it is there when the first event is. */
  readonly host: () => Pick<DeployedHost, "runtimeStats">;
  readonly predictions: Pick<AggregationOptions, "bufferOf" | "onCanaries">;
}

/** What this isolate sends to the collector. */
export function createCollection({
  shards,
  config,
  losses,
  host,
  predictions,
}: CollectionParts): Aggregation {
  return createAggregation({
    ...config.monitoring,
    ...predictions,
    connect: shards,
    keepAlive,
    takeLosses: () => losses.take() ?? {},
    takeEngine: createEngineCounts(() => host().runtimeStats()),
  });
}

/** What this isolate counts where there is no collector. */
export function createIsolateCounts({
  losses,
  host,
}: Pick<CollectionParts, "losses" | "host">): IsolateTotals {
  return createIsolateTotals({
    takeLosses: () => losses.take() ?? {},
    takeEngine: createEngineCounts(() => host().runtimeStats()),
  });
}

/** The numbers of all isolates where they are collected, else those of this one. */
export function createMetrics(
  monitoring: Monitoring | undefined,
  isolateTotals: IsolateTotals,
): MetricsText {
  return createMetricsText({
    monitoring: monitoring ?? isolateTotals,
    scope: monitoring ? "service" : "isolate",
    serverVersion: version,
  });
}

/** Forgets with versions what was collected of them. */
export function createCollected(
  shards: MetricsShards,
  store: Pick<ModelStore, "versions">,
): CollectedVersions {
  return createCollectedVersions(shards, async (model) =>
    (await store.versions(model)).map(({ version }) => version),
  );
}

/** `undefined` without the binding. */
export function createMonitoringReader(
  shards: MetricsShards | undefined,
  catalog: () => Pick<Catalog, "list">,
): Monitoring | undefined {
  const published = async (): Promise<string[]> => [
    ...new Set((await catalog().list()).map(({ name }) => name)),
  ];
  return shards && createMonitoring(shards, { published });
}

/** What is shown of what was collected; `undefined` without a collector. */
export function createReportsOf(
  monitoring: Monitoring | undefined,
  { cache: { tiers } }: Pick<Config, "cache">,
): Reports | undefined {
  return monitoring && createReports(monitoring, { usesKv: tiers.includes("kv") });
}

import type { AlertMethods } from "../alerts/alerts.ts";
import type { AccuracyStore } from "./accuracy-store.ts";
import type { MetricsCollector } from "./collector.ts";
import type { ShardMetrics } from "./shard-metrics.ts";

/** All parts together. */
export interface ShardMetricsReader {
  metrics(): Promise<ShardMetrics>;
}

/** The methods of the Durable Object `METRICS`, by its parts. */
export interface MetricsMethods
  extends ShardMetricsReader,
    MetricsCollector,
    AccuracyStore,
    AlertMethods {}

/**
 * Each method that crosses, and whether a caller may repeat it when the object was moved or restarted in the middle: `again` for what
 * has the same effect when it is done twice.
 */
export const METRICS_METHODS = {
  metrics: "again",
  add: "again",
  totals: "again",
  windows: "again",
  events: "again",
  models: "again",
  forget: "again",
  forgetModel: "again",
  erase: "again",
  export: "again",
  findPredictions: "again",
  recordTruths: "again",
  readTruths: "again",
  exportFeedback: "again",
  canaryReports: "again",
  acknowledgeCanary: "once",
  alerts: "again",
  alertsSummary: "again",
  alertRules: "again",
  putAlertRules: "once",
  webhooks: "again",
  webhook: "again",
  putWebhook: "once",
  rotateWebhook: "once",
  deleteWebhook: "once",
  deliveries: "again",
  retryDeliveries: "again",
  testWebhooks: "once",
} as const satisfies Record<keyof MetricsMethods, "once" | "again">;
export type MetricsMethod = keyof typeof METRICS_METHODS;

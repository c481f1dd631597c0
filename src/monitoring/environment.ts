import type { VersionReports } from "../domain/alerts/readings.ts";
import type { TelemetryEvent } from "../domain/event.ts";
import type { MetricsMethods } from "../domain/monitoring/metrics-methods.ts";

/** What the Durable Object `METRICS` uses of its Worker. */
export interface MetricsEnvironment {
  /** Another shard, by the model that it is of. */
  shard(model: string): Pick<MetricsMethods, "windows">;
  /** What is known of a version beside its requests. */
  reports(model: string, version: string): Promise<VersionReports>;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Writes an event; returns it as it is written, without secrets. */
  readonly emit: (event: TelemetryEvent) => TelemetryEvent;
  /** `undefined` without the secret PRIVACY_KEY. */
  readonly privacyKey: Uint8Array<ArrayBuffer> | undefined;
  /** How often alerts are evaluated. */
  readonly evaluateEveryMs: number;
  readonly userAgent: string;
}

/** Of an object whose Worker has not said what it has: it collects, evaluates nothing, and sends nothing. */
export const NO_ENVIRONMENT: MetricsEnvironment = {
  shard: () => ({ windows: async () => [] }),
  reports: async () => ({}),
  fetch: async () => {
    throw new Error("the object has no network");
  },
  emit: (event) => event,
  privacyKey: undefined,
  evaluateEveryMs: Number.POSITIVE_INFINITY,
  userAgent: "onnxflare",
};

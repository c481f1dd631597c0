import type { Outcome } from "../domain/durable-object/outcome.ts";
import { createRemoteObject } from "../domain/durable-object/remote-object.ts";
import { ApiError } from "../domain/errors.ts";
import {
  METRICS_METHODS,
  type MetricsMethod,
  type MetricsMethods,
} from "../domain/monitoring/metrics-methods.ts";

/** A method as it crosses, by its name. */
export type MetricsStub = {
  readonly [Name in MetricsMethod]: (
    ...args: Parameters<MetricsMethods[Name]>
  ) => Promise<Outcome<Awaited<ReturnType<MetricsMethods[Name]>>>>;
};

/** Longer than the object ever takes, also when it has to start and the batch waits for others. */
const TIMEOUT_MS = 10_000;

/** A shard of the Durable Object `METRICS`. */
export function createRemoteMetrics(connect: () => MetricsStub): MetricsMethods {
  const { call, callAgain } = createRemoteObject({
    connect,
    binding: "METRICS",
    timeoutMs: TIMEOUT_MS,
    unavailable: (cause) =>
      new ApiError(
        "monitoring_unavailable",
        "What was collected of requests is out of reach. Try again.",
        { cause },
      ),
  });
  type Method = (...args: never[]) => Promise<Outcome<unknown>>;
  const methods = Object.entries(METRICS_METHODS).map(([name, repeat]) => [
    name,
    (...args: never[]) =>
      (repeat === "again" ? callAgain : call)((stub) =>
        (stub[name as MetricsMethod] as Method)(...args),
      ),
  ]);
  return Object.fromEntries(methods) as MetricsMethods;
}

import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import type { Counts } from "../../domain/monitoring/counts.ts";
import { type Distribution, quantileOf } from "../../domain/monitoring/distribution.ts";
import type { CountedError, Percentiles, TrafficSummary } from "../../domain/monitoring/report.ts";
import { estimateCost } from "./estimate-cost.ts";

/** @param usesKv whether the cache has the tier KV */
export function summarize(aggregate: Aggregate, usesKv: boolean): TrafficSummary {
  const { durations, cache, tokens, heapBytes } = aggregate;
  return {
    requests: aggregate.requests,
    errors: countOf(aggregate.outcomes, 5),
    clientErrors: countOf(aggregate.outcomes, 4),
    ...percentiles("latencyMs", durations.total),
    ...percentiles("queueMs", durations.queue),
    ...percentiles("timeToFirstTokenMs", durations.timeToFirstToken),
    ...percentiles("cpuMs", durations.cpu),
    cacheHits: cache.hit ?? 0,
    cacheMisses: cache.miss ?? 0,
    cacheBypasses: cache.bypass ?? 0,
    savedMs: aggregate.savedMs,
    coldStarts: aggregate.coldStarts,
    ...(heapBytes && { heapBytes }),
    inferences: aggregate.inferences,
    executions: aggregate.executions,
    inputTokens: tokens.input ?? 0,
    cachedTokens: tokens.cached ?? 0,
    outputTokens: tokens.output ?? 0,
    audioSeconds: aggregate.audioSeconds,
    bytesIn: aggregate.bytesIn,
    bytesOut: aggregate.bytesOut,
    cost: estimateCost(aggregate, usesKv),
  };
}

type DurationField = "latencyMs" | "queueMs" | "timeToFirstTokenMs" | "cpuMs";

function percentiles(
  name: DurationField,
  distribution: Distribution | undefined,
): Partial<Record<DurationField, Percentiles>> {
  if (!distribution || distribution.count === 0) return {};
  const at = (fraction: number): number => quantileOf(distribution, fraction) ?? 0;
  const { count, sum, max } = distribution;
  return {
    [name]: { count, mean: sum / count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max },
  };
}

/** Responses whose status begins with a digit; keys are a status, and the code of an error after it. */
export function countOf(outcomes: Counts, digit: 4 | 5): number {
  let sum = 0;
  for (const [outcome, count] of Object.entries(outcomes))
    if (outcome.startsWith(String(digit))) sum += count;
  return sum;
}

/** The errors among outcomes, the most frequent first. */
export function errorsOf(outcomes: Counts): CountedError[] {
  return Object.entries(outcomes)
    .flatMap(([outcome, count]) => {
      const [status = "", code] = outcome.split(" ");
      return /^[45]/.test(status) ? [{ status: Number(status), ...(code && { code }), count }] : [];
    })
    .sort((one, two) => two.count - one.count);
}

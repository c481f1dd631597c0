import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import type { CostEstimate } from "../../domain/monitoring/report.ts";
import { BUSY_PHASES } from "../../domain/trace.ts";
import { PRICES } from "./prices.ts";

/**
 * What the requests cost by list prices: the requests themselves, their CPU time, and what the cache reads from KV and writes to it. What runs in
 * isolates of models is in the CPU time; the requests to them, storage and monitoring are not counted.
 * @param usesKv whether the cache has the tier KV, to which each miss is written
 */
export function estimateCost(aggregate: Aggregate, usesKv: boolean): CostEstimate {
  const { cpuMs, cpuBasis } = cpuTimeOf(aggregate);
  const requests = aggregate.requests * PRICES.request;
  const cpu = cpuMs * PRICES.cpuMs;
  const misses = usesKv ? (aggregate.cache.miss ?? 0) : 0;
  const reads = misses + (aggregate.cacheTiers.kv ?? 0);
  const cache = reads * PRICES.kvRead + misses * PRICES.kvWrite;
  return { total: requests + cpu + cache, requests, cpu, cache, cpuMs, cpuBasis };
}

/** The platform's, of the invocations that the Tail Worker has seen, for all requests; else the phases in which the isolate was busy. */
function cpuTimeOf({ requests, durations }: Aggregate): Pick<CostEstimate, "cpuMs" | "cpuBasis"> {
  const { cpu } = durations;
  if (cpu && cpu.count > 0 && cpu.sum > 0)
    return { cpuMs: (cpu.sum / cpu.count) * Math.max(requests, cpu.count), cpuBasis: "platform" };
  const cpuMs = BUSY_PHASES.reduce((sum, phase) => sum + (durations[phase]?.sum ?? 0), 0);
  return { cpuMs, cpuBasis: cpuMs > 0 ? "phases" : "unknown" };
}

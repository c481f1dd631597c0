import type { CpuCosts } from "../domain/access/cpu-costs.ts";
import { type Clock, SYSTEM_CLOCK } from "../domain/clock.ts";
import { busyMs, type Phase, type Trace } from "../domain/trace.ts";
import { LruMap } from "../shared/lru-map.ts";

export interface CpuCostsOptions {
  readonly clock?: Clock;
  /** Whether the clock advances while the isolate computes. */
  readonly clockRuns?: () => boolean;
}

/** In which a request waits for others. */
const WAITING_PHASES: readonly Phase[] = ["body", "resolve", "cache", "load"];
const MAX_VERSIONS = 1000;
/** Part of the last measurement in the moving average. */
const WEIGHT = 0.2;

interface Measured {
  msPerUnit: number;
}

/**
 * Measures what requests cost. Where the clock advances during CPU work, that is the time of the phases that compute. On Cloudflare's network it only advances with
 * I/O: there the cost of a version is measured between two turns of the event loop by requests that have the isolate for themselves, with what they wait for
 * taken away, and others are charged by its moving average.
 */
export function createCpuCosts({
  clock = SYSTEM_CLOCK,
  clockRuns = createClockProbe(),
}: CpuCostsOptions = {}): CpuCosts {
  /** By version: for each token of models that generate, and each request of others; explanations by themselves, for each run. */
  const measured = new LruMap<string, Measured>(MAX_VERSIONS);
  let begun = 0;
  let inFlight = 0;

  /** @returns the time since the start that the request has not waited */
  const toCost = (startedAt: number, { phasesMs }: Trace): number => {
    const waitedMs = WAITING_PHASES.reduce((sum, phase) => sum + (phasesMs[phase] ?? 0), 0);
    return Math.max(0, clock.now() - startedAt - waitedMs);
  };

  function learn(version: string, units: number, costMs: number): void {
    const known = measured.get(version);
    const msPerUnit = costMs / units;
    if (known) known.msPerUnit += (msPerUnit - known.msPerUnit) * WEIGHT;
    else measured.set(version, { msPerUnit });
  }

  return {
    begin() {
      const startedAt = clock.now();
      const isAlone = inFlight === 0;
      begun += 1;
      inFlight += 1;
      const before = begun;
      return {
        end(trace, isStream) {
          inFlight -= 1;
          if (clockRuns()) return busyMs(trace);
          if (trace.cache.outcome === "hit" || trace.cache.isStoredResponse) return 0;
          const { version, units } = unitsOf(trace);
          const isSample = isAlone && begun === before && !isStream;
          const known = measured.get(version);
          if (!isSample && known) return known.msPerUnit * units;
          return new Promise((resolve) => {
            // After a turn of the event loop, the clock has advanced by the work until now.
            clock.after(0, () => {
              const costMs = toCost(startedAt, trace);
              if (isSample && begun === before) learn(version, units, costMs);
              resolve(costMs);
            });
          });
        },
      };
    },
  };
}

function unitsOf(trace: Trace): { readonly version: string; readonly units: number } {
  const { model, explanation, generation } = trace;
  const version = `${model}@${trace.version}`;
  if (explanation) return { version: `${version} explained`, units: Math.max(1, explanation.runs) };
  const { inputTokens = 0, outputTokens = 0 } = generation ?? {};
  return { version, units: Math.max(1, inputTokens + outputTokens) };
}

/** More than a clock needs that advances at all, of one millisecond. */
const PROBE_STEPS = 5_000_000;

/** Looks once whether the clock advances during a loop. */
function createClockProbe(): () => boolean {
  let runs: boolean | undefined;
  return () => {
    runs ??= probe();
    return runs;
  };
}

function probe(): boolean {
  const start = performance.now();
  let value = 0;
  for (let step = 0; step < PROBE_STEPS; step++) {
    value += Math.sqrt(step);
    if (step % 10_000 === 0 && performance.now() > start) return true;
  }
  // Never true; keeps the loop from being removed.
  return value < 0;
}

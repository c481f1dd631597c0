import { busyMs, type Trace } from "./trace.ts";

/**
 * The service time: how long the request kept the isolate busy. `undefined` if it does not predict the next one: the
 * request failed, used the cache or another request's run, or was the first of a model, whose code the engine still
 * compiles; or it generated a text, between whose tokens others are served.
 */
export function serviceMs(trace: Trace): number | undefined {
  const { phasesMs, coldStart, cache, generation } = trace;
  if (generation) return undefined;
  if (phasesMs.parse === undefined || cache.isStoredResponse) return undefined;
  if (coldStart !== false && cache.outcome !== "hit") return undefined;
  if (coldStart === false && phasesMs.infer === undefined) return undefined;
  return busyMs(trace);
}

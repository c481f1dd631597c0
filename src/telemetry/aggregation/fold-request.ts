import type { RequestEvent } from "../../domain/event.ts";
import { GEN_AI } from "../../domain/gen-ai.ts";
import type { Aggregate, DurationName } from "../../domain/monitoring/aggregate.ts";
import { addCount } from "../../domain/monitoring/counts.ts";
import { addValue, createDistribution } from "../../domain/monitoring/distribution.ts";
import { countInference } from "../../domain/monitoring/inference-totals.ts";
import { addLabel, MAX_PRINCIPALS } from "../../domain/monitoring/merge-aggregate.ts";
import { PHASES } from "../../domain/trace.ts";

/**
 * Adds a request to an aggregate, without its statistics of inputs and predictions. An explanation takes as long as hundreds of predictions: how long it took, and what it ran, is counted by
 * itself. It is done for each request: nothing is created that need not be.
 */
export function foldRequest(aggregate: Aggregate, event: RequestEvent, now: number): void {
  const { status, errorCode, operation, cache, phasesMs } = event;
  aggregate.requests++;
  aggregate.bytesIn += event.bytesIn;
  aggregate.bytesOut += event.bytesOut;
  addLabel(
    aggregate,
    "outcomes",
    errorCode === undefined ? String(status) : `${status} ${errorCode}`,
  );
  if (operation !== undefined) addLabel(aggregate, "operations", operation);
  if (event.principal !== undefined)
    addCount(aggregate.principals, event.principal, 1, MAX_PRINCIPALS);
  if (event.alias !== undefined) addLabel(aggregate, "aliases", event.alias);
  if (event.country !== undefined) addLabel(aggregate, "countries", event.country);
  if (event.dataCenter !== undefined) addLabel(aggregate, "dataCenters", event.dataCenter);
  if (event.operationKind === "explanation") {
    foldExplanation(aggregate, event);
    return;
  }
  addDuration(aggregate, "total", event.totalMs);
  if (event.queueMs !== undefined) addDuration(aggregate, "queue", event.queueMs);
  for (const phase of PHASES) {
    const duration = phasesMs[phase];
    if (duration !== undefined) addDuration(aggregate, phase, duration);
  }
  if (cache) {
    addLabel(aggregate, "cache", cache.outcome);
    if (cache.tier !== undefined) addLabel(aggregate, "cacheTiers", cache.tier);
    aggregate.savedMs += cache.savedMs ?? 0;
  }
  if (event.coldStart) aggregate.coldStarts++;
  aggregate.inferences += event.inferences ?? 0;
  aggregate.executions += event.executions ?? 0;
  if (event.heapBytes !== undefined) setHeap(aggregate, event.heapBytes, now);
  if (event.operationKind === "inference" && event.version !== undefined)
    countInference(aggregate.inference, event);
  if (event.generation) foldGeneration(aggregate, event.generation);
}

function foldExplanation(aggregate: Aggregate, event: RequestEvent): void {
  const { explanation, errorCode, coldStart } = event;
  addDuration(aggregate, "explanation", event.totalMs);
  if (coldStart) aggregate.coldStarts++;
  if (!explanation) return;
  aggregate.explanationRuns += explanation.runs;
  if (errorCode === undefined) addLabel(aggregate, "explanations", explanation.method);
}

export function addDuration(aggregate: Aggregate, name: DurationName, milliseconds: number): void {
  let distribution = aggregate.durations[name];
  if (!distribution) {
    distribution = createDistribution();
    aggregate.durations[name] = distribution;
  }
  addValue(distribution, milliseconds);
}

function setHeap(aggregate: Aggregate, bytes: number, at: number): void {
  const { heapBytes } = aggregate;
  if (!heapBytes) {
    aggregate.heapBytes = { last: bytes, max: bytes, at };
    return;
  }
  heapBytes.last = bytes;
  heapBytes.max = Math.max(heapBytes.max, bytes);
  heapBytes.at = at;
}

function foldGeneration(
  aggregate: Aggregate,
  generation: NonNullable<RequestEvent["generation"]>,
): void {
  addLabel(aggregate, "tokens", "input", generation[GEN_AI.inputTokens]);
  addLabel(aggregate, "tokens", "cached", generation[GEN_AI.cachedTokens]);
  addLabel(aggregate, "tokens", "output", generation[GEN_AI.outputTokens]);
  aggregate.audioSeconds += generation.audioSeconds ?? 0;
  const firstSeconds = generation[GEN_AI.timeToFirstToken];
  if (firstSeconds !== undefined) addDuration(aggregate, "timeToFirstToken", firstSeconds * 1000);
}

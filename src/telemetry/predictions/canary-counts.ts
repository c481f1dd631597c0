import type { RequestEvent } from "../../domain/event.ts";
import { durationStep } from "../../domain/monitoring/duration-steps.ts";
import type { CanaryBlock, CanaryPair } from "../../domain/monitoring/prediction-batch.ts";
import { confidenceBin } from "../../domain/statistics/confidence-bins.ts";

/** The pairs of an alias that is split, as its routing is now. */
export type CanaryPairsOf = (model: string, alias: string) => readonly CanaryPair[];

interface MutableCounts {
  requests: number;
  errors: number;
  durations: Record<number, number>;
  confidences: Record<number, number>;
}

interface MutableBlock extends CanaryPair {
  readonly counts: { stable: MutableCounts; canary: MutableCounts };
}

/** Refused before a version had anything to do with it, or ended by the client. */
const NOT_COUNTED: ReadonlySet<number> = new Set([401, 403, 408, 429, 499]);

/** Counts how requests to the versions of a split went: those that were drawn, not those that name a version. */
export function createCanaryCounts(pairsOf: CanaryPairsOf) {
  let blocks = new Map<string, MutableBlock>();

  function blockOf(pair: CanaryPair): MutableBlock {
    const key = `${pair.alias} ${pair.since} ${pair.stable} ${pair.canary}`;
    const known = blocks.get(key);
    if (known) return known;
    const block = { ...pair, counts: { stable: noCounts(), canary: noCounts() } };
    blocks.set(key, block);
    return block;
  }

  return {
    add(event: RequestEvent, model: string, version: string, alias: string): void {
      if (NOT_COUNTED.has(event.status)) return;
      for (const pair of pairsOf(model, alias)) {
        if (version === pair.stable) count(blockOf(pair).counts.stable, event);
        else if (version === pair.canary) count(blockOf(pair).counts.canary, event);
      }
    },

    take(): readonly CanaryBlock[] {
      const taken = [...blocks.values()];
      blocks = new Map();
      return taken;
    },
  };
}

function noCounts(): MutableCounts {
  return { requests: 0, errors: 0, durations: {}, confidences: {} };
}

/** A 400 counts as an error: clients are the same, so a version that refuses more of them is worse. */
function count(counts: MutableCounts, { status, clock, totalMs, outputs }: RequestEvent): void {
  counts.requests += 1;
  if (status >= 500 || status === 400) {
    counts.errors += 1;
    return;
  }
  if (clock === "advancing") increment(counts.durations, durationStep(totalMs));
  const confidence = outputs?.rows?.[0]?.confidence;
  if (confidence !== undefined && Number.isFinite(confidence))
    increment(counts.confidences, confidenceBin(confidence));
}

function increment(counts: Record<number, number>, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

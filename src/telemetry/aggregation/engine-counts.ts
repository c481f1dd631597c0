import type { Counts } from "../../domain/monitoring/counts.ts";
import type { RuntimeStats } from "../../domain/ports.ts";

const COUNTED = ["loads", "evictions", "crashes"] as const;

/**
 * What became of the models in this isolate since the last call. Isolates of single models are shared by many isolates, each of which would
 * count them.
 */
export function createEngineCounts(
  stats: () => Pick<RuntimeStats, (typeof COUNTED)[number]>,
): () => Promise<Counts> {
  const before = { loads: 0, evictions: 0, crashes: 0 };
  return async () => {
    const now = stats();
    const counts: Counts = {};
    for (const name of COUNTED) {
      counts[name] = now[name] - before[name];
      before[name] = now[name];
    }
    return counts;
  };
}

import type { IsolateStats } from "../../domain/model-host.ts";
import type { Counts } from "../../domain/monitoring/counts.ts";

const COUNTED = ["loads", "evictions", "crashes"] as const;

/**
 * What became of the models in this isolate since the last call. Isolates of single models are shared by many isolates, each of which would
 * count them.
 */
export function createEngineCounts(
  stats: () => Promise<readonly IsolateStats[]>,
): () => Promise<Counts> {
  let before: Counts = {};
  return async () => {
    const own = (await stats()).find(({ model }) => model === undefined);
    if (!own) return {};
    const counts = Object.fromEntries(
      COUNTED.map((name) => [name, own[name] - (before[name] ?? 0)]),
    );
    before = Object.fromEntries(COUNTED.map((name) => [name, own[name]]));
    return counts;
  };
}

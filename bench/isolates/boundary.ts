import type { BenchmarkOptions } from "../benchmark.ts";
import { measurePair, type Timings, type Workload } from "./paired-load.ts";
import {
  type BuiltWorker,
  type ByPlacement,
  checkPlacement,
  PLACEMENTS,
  readRuntime,
  withBoth,
} from "./placed-worker.ts";

/** By workload: one pair of measurements for each round. */
export type BoundaryResults = Record<string, ByPlacement<Timings>[]>;

/** Measures workloads of one pair of fresh processes, which have loaded all of their models by then. */
export async function measureBoundary(
  built: BuiltWorker,
  workloads: readonly Workload[],
  vars: Readonly<Record<string, string>>,
  round: number,
  { seconds, connections: clients, rounds, report }: BenchmarkOptions,
  results: BoundaryResults,
): Promise<void> {
  await withBoth(built, round, vars, async (workers) => {
    for (const workload of workloads) {
      const measured = await measurePair(workers, workload, { seconds, clients, round });
      results[workload.name] = [...(results[workload.name] ?? []), measured];
      const { own, shared } = measured;
      report(
        `round ${round + 1} of ${rounds}, ${workload.name}: ${own.perSecond.toFixed(0)}/s in its own isolate, ${shared.perSecond.toFixed(0)}/s in cells`,
      );
    }
    const models = workloads.map(({ model }) => model);
    for (const placement of PLACEMENTS)
      checkPlacement(await readRuntime(workers[placement].url), placement, models);
  });
}

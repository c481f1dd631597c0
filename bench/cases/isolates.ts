import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { type BoundaryResults, measureBoundary } from "../isolates/boundary.ts";
import { type FirstResponses, measureFirstResponses } from "../isolates/first-response.ts";
import { type ManyModelsResults, measureManyModels } from "../isolates/many-models.ts";
import { measureNeighbours, type Neighbours } from "../isolates/neighbours.ts";
import type { ByPlacement } from "../isolates/placed-worker.ts";
import { prepareGeneration, prepareProject } from "../isolates/prepare.ts";
import {
  toBoundaryTable,
  toFirstResponseTable,
  toGenerationTable,
  toManyModelsTables,
  toNeighboursTable,
} from "../isolates/tables.ts";
import {
  BOUNDARY_WORKLOADS,
  CACHE_WORKLOADS,
  GENERATION_WORKLOADS,
} from "../isolates/workloads.ts";

/** Only the isolate's tier: the others are in another process of the platform. */
const CACHE_ON = { CACHE_TIERS: "isolate" };
/** Eight models of 24 MB take about a second to be loaded in turn, which is the least that is measured. */
const TURNS_SECONDS = 1;
/** Some tens of probes beside the heavy model, of which those of all rounds count together. */
const NEIGHBOURS_SECONDS = 2;
/** Rounds of what takes long, or hardly varies. */
const MAX_SLOW_ROUNDS = 3;

interface Results {
  readonly boundary: BoundaryResults;
  readonly generation: BoundaryResults;
  readonly cache: BoundaryResults;
  readonly firstResponses: FirstResponses;
  readonly manyModels: ManyModelsResults;
  readonly neighbours: ByPlacement<Neighbours>[];
}

export const isolates: Benchmark = {
  name: "isolates",
  description: "models in isolates of their own, compared with cells that models share",
  async run(options) {
    options.report("building and seeding ...");
    const [project, generation] = await Promise.all([prepareProject(), prepareGeneration()]);
    const results: Results = {
      boundary: {},
      generation: {},
      cache: {},
      firstResponses: {},
      manyModels: {},
      neighbours: [],
    };
    for (let round = 0; round < options.rounds; round++) {
      await measureBoundary(project, BOUNDARY_WORKLOADS, {}, round, options, results.boundary);
      await measureBoundary(
        generation,
        GENERATION_WORKLOADS,
        {},
        round,
        options,
        results.generation,
      );
      await measureBoundary(project, CACHE_WORKLOADS, CACHE_ON, round, options, results.cache);
      if (round >= MAX_SLOW_ROUNDS) continue;
      await measureFirstResponses(project, round, results.firstResponses);
      await measureManyModels(project, round, TURNS_SECONDS, results.manyModels);
      results.neighbours.push(await measureNeighbours(project, round, NEIGHBOURS_SECONDS));
    }
    return { tables: toTables(results, options), raw: results };
  },
};

function toTables(results: Results, { connections }: BenchmarkOptions) {
  return [
    toBoundaryTable(
      "Cost of the boundary, cache off",
      BOUNDARY_WORKLOADS,
      connections,
      results.boundary,
    ),
    toGenerationTable(GENERATION_WORKLOADS, connections, results.generation),
    toBoundaryTable(
      "Cost of the boundary with the cache",
      CACHE_WORKLOADS,
      connections,
      results.cache,
    ),
    toFirstResponseTable(results.firstResponses),
    ...toManyModelsTables(results.manyModels),
    toNeighboursTable(results.neighbours),
  ];
}

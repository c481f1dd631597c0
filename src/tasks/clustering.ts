import { NO_PARAMETERS, parseParameters } from "./parameters.ts";
import type { Decode } from "./pipeline.ts";
import { toRows } from "./rows.ts";

/** Clusters with the distance to their centres, nearest first. Labels default to their numbers. */
export function createClusteringDecoder(labels: readonly string[]): Decode {
  return (result, batched, parameters) => {
    parseParameters(NO_PARAMETERS, parameters);
    const answers = toRows(result).map((row) =>
      row
        .map((distance, index) => ({ label: labels[index] ?? String(index), distance }))
        .sort((a, b) => a.distance - b.distance),
    );
    return batched ? answers : answers[0];
  };
}

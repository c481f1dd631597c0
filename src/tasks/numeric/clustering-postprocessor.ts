import type { Postprocess } from "../../domain/manifest.ts";
import { NO_PARAMETERS } from "../parameters.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "./rows.ts";

type Clustering = Extract<Postprocess, { type: "clustering" }>;

/** Clusters with the distance to their centres, nearest first. Labels default to their numbers. */
export function createClusteringPostprocessor(
  { distances }: Clustering,
  labels: readonly string[],
): Postprocessor {
  return {
    outputs: [distances],
    parameters: NO_PARAMETERS,
    toAnswers([result]) {
      return toRows(result).map((row) =>
        row
          .map((distance, index) => ({ label: labels[index] ?? String(index), distance }))
          .sort((a, b) => a.distance - b.distance),
      );
    },
  };
}

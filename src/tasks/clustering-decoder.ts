import type { Postprocess } from "../domain/manifest.ts";
import type { Decoder } from "./decoder.ts";
import { NO_PARAMETERS } from "./parameters.ts";
import { toRows } from "./rows.ts";

type Clustering = Extract<Postprocess, { type: "clustering" }>;

/** Clusters with the distance to their centres, nearest first. Labels default to their numbers. */
export function createClusteringDecoder(
  { distances }: Clustering,
  labels: readonly string[],
): Decoder {
  return {
    outputs: [distances],
    parameters: NO_PARAMETERS,
    decode([result]) {
      return toRows(result).map((row) =>
        row
          .map((distance, index) => ({ label: labels[index] ?? String(index), distance }))
          .sort((a, b) => a.distance - b.distance),
      );
    },
  };
}

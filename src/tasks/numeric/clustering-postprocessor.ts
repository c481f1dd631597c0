import {
  type ClusteringBlock,
  clusteringBlock,
} from "../../domain/blocks/postprocess/clustering.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "../rows.ts";

/** Clusters with the distance to their centres, nearest first. Without labels they are numbered from 0. */
export function createClusteringPostprocessor(
  { distances }: ClusteringBlock,
  labels: readonly string[],
): Postprocessor {
  const columns = labels.length > 0 ? labels.length : undefined;
  return {
    outputs: [distances],
    parameters: clusteringBlock.parameters,
    toPredictions([result]) {
      return toRows(result, columns).map((row) =>
        row
          .map((distance, index) => ({ label: labels[index] ?? String(index), distance }))
          .sort((a, b) => a.distance - b.distance),
      );
    },
  };
}

import { type AnomalyBlock, anomalyBlock } from "../../domain/blocks/postprocess/anomaly.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "../rows.ts";

/** Anomalies are what scores below the threshold. */
export function createAnomalyPostprocessor(
  block: AnomalyBlock,
): Postprocessor<typeof anomalyBlock.parameters> {
  return {
    outputs: [block.scores],
    parameters: anomalyBlock.parameters,
    toPredictions: ([result], _metadata, { threshold = block.threshold }) =>
      toRows(result, 1).map(([score = Number.NaN]) => ({
        label: score < threshold ? "anomaly" : "normal",
        score,
      })),
  };
}

import {
  type TextRankingBlock,
  textRankingBlock,
} from "../../domain/blocks/postprocess/text-ranking.ts";
import type { RankedTextScore } from "../../domain/blocks/ranking-fields.ts";
import { sigmoid } from "../../shared/activations.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "../rows.ts";

/** Texts by the scores that a model gives each of them together with the query, best first. */
export function createRankingPostprocessor(
  block: TextRankingBlock,
): Postprocessor<typeof textRankingBlock.parameters> {
  return {
    outputs: [block.scores],
    parameters: textRankingBlock.parameters,
    toPredictions([result], _metadata, { raw_scores = false }) {
      const activate = block.activation === "sigmoid" && !raw_scores ? sigmoid : undefined;
      return toRows(result, 1).map(([score = 0]) => activate?.(score) ?? score);
    },
    assemble: (predictions, _form, { top_k }) => toRanking(predictions as readonly number[], top_k),
  };
}

/** Texts of the same score stay in their order. */
export function toRanking(
  scores: readonly number[],
  length: number | undefined,
): readonly RankedTextScore[] {
  return scores
    .map((score, index) => ({ index, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, length);
}

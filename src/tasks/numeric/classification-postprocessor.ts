import {
  type ClassificationBlock,
  classificationBlock,
} from "../../domain/blocks/postprocess/classification.ts";
import { sigmoid, softmax } from "../../shared/activations.ts";
import { outputMismatch } from "../output-errors.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "./rows.ts";

/** Labels with scores, best first; the shape of the classification tasks of Hugging Face. */
export function createClassificationPostprocessor(
  block: ClassificationBlock,
  labels: readonly string[],
): Postprocessor<typeof classificationBlock.parameters> {
  const activate = ACTIVATIONS[block.activation];
  return {
    outputs: [block.scores],
    parameters: classificationBlock.parameters,
    toPredictions([result], _metadata, { top_k = block.topK ?? labels.length }) {
      return toRows(result).map((row) => {
        const scores = withBothClasses(activate(row), labels.length);
        if (scores.length !== labels.length)
          throw outputMismatch(result, `[batch, ${labels.length}], a score for each label`);
        return scores
          .map((score, index) => ({ label: labels[index] ?? "", score }))
          .sort((a, b) => b.score - a.score)
          .slice(0, top_k);
      });
    },
  };
}

const ACTIVATIONS: Record<ClassificationBlock["activation"], (row: number[]) => number[]> = {
  none: (row) => row,
  sigmoid: (row) => row.map(sigmoid),
  softmax,
};

/** A binary model may return the probability of its second label only. */
function withBothClasses(scores: number[], labels: number): number[] {
  const [score] = scores;
  return scores.length === 1 && labels === 2 && score !== undefined ? [1 - score, score] : scores;
}

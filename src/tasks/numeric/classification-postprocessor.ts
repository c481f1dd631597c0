import {
  type ClassificationBlock,
  classificationBlock,
} from "../../domain/blocks/postprocess/classification.ts";
import { ApiError } from "../../domain/errors.ts";
import { sigmoid, softmax } from "../../shared/activations.ts";
import { outputMismatch } from "../output-errors.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "../rows.ts";

/** Labels with scores, best first; the shape of the classification tasks of Hugging Face. */
export function createClassificationPostprocessor(
  block: ClassificationBlock,
  labels: readonly string[],
): Postprocessor<typeof classificationBlock.parameters> {
  return {
    outputs: [block.scores],
    parameters: classificationBlock.parameters,
    toPredictions([result], _metadata, parameters) {
      const { top_k = block.topK ?? labels.length } = parameters;
      const { function_to_apply: activation = block.activation } = parameters;
      const activate = ACTIVATIONS[activation];
      return toRows(result).map((row) => {
        if (activation !== block.activation) checkActivation(activation, block, row.length);
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

type Activation = ClassificationBlock["activation"];

/** @throws ApiError `invalid_request` for a function that cannot be computed from the model's output */
function checkActivation(wanted: Activation, block: ClassificationBlock, width: number): void {
  const reason =
    block.activation === "none"
      ? "the model returns scores itself, and not the numbers that they are made from"
      : width === 1
        ? `the model returns one number for two labels, to which ${block.activation} is applied`
        : undefined;
  if (!reason) return;
  throw new ApiError(
    "invalid_request",
    `"parameters" are not valid for this model: function_to_apply cannot be ${wanted}, because ${reason}. Leave it out, or send ${block.activation}.`,
    { details: { field: "function_to_apply", valid: [block.activation] } },
  );
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

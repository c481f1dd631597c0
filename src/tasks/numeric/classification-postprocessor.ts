import { z } from "zod";
import type { Postprocess } from "../../domain/manifest.ts";
import { sigmoid, softmax } from "../../shared/softmax.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "./rows.ts";

type Classification = Extract<Postprocess, { type: "classification" }>;

const PARAMETERS = z.strictObject({ top_k: z.int().min(1).optional() });

/** Labels with scores, best first; the shape of the classification tasks of Hugging Face. */
export function createClassificationPostprocessor(
  { scores, activation, topK }: Classification,
  labels: readonly string[],
): Postprocessor<typeof PARAMETERS> {
  return {
    outputs: [scores],
    parameters: PARAMETERS,
    toAnswers([result], _metadata, { top_k = topK ?? labels.length }) {
      return toRows(result).map((row) => {
        const scores = withBothClasses(ACTIVATIONS[activation](row), labels.length);
        if (scores.length !== labels.length)
          throw new Error(`the model has ${scores.length} scores for ${labels.length} labels`);
        return scores
          .map((score, index) => ({ label: labels[index] ?? "", score }))
          .sort((a, b) => b.score - a.score)
          .slice(0, top_k);
      });
    },
  };
}

const ACTIVATIONS: Record<Classification["activation"], (row: number[]) => number[]> = {
  none: (row) => row,
  sigmoid: (row) => row.map(sigmoid),
  softmax,
};

/** A binary model may give the probability of its second label only. */
function withBothClasses(scores: number[], labels: number): number[] {
  const [score] = scores;
  return scores.length === 1 && labels === 2 && score !== undefined ? [1 - score, score] : scores;
}

import {
  type TokenClassificationBlock,
  tokenClassificationBlock,
} from "../../domain/blocks/postprocess/token-classification.ts";
import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { softmax } from "../../shared/activations.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import type { Postprocessor, Predictions } from "../postprocessor.ts";
import { type Entity, type ScoredToken, toEntities } from "./entities.ts";
import { isTokenOutput, type TextMetadata } from "./text-metadata.ts";
import { locateTokens } from "./token-spans.ts";
import { runSteps } from "./word-model.ts";

/** The entities of each text, by the rules of the token classification pipeline of Hugging Face's `transformers`. */
export function createTokenClassificationPostprocessor(
  { scores, aggregation, ignoreLabels }: TokenClassificationBlock,
  labels: readonly string[],
): Postprocessor<typeof tokenClassificationBlock.parameters, Promise<Predictions>> {
  return {
    outputs: [scores],
    parameters: tokenClassificationBlock.parameters,
    async toPredictions(
      [result],
      metadata,
      { aggregation_strategy = aggregation, ignore_labels = ignoreLabels },
      checkpoint,
    ) {
      const texts = metadata as readonly TextMetadata[];
      const rows = tokenScores(result as Tensor, texts, labels.length);
      const predictions: Entity[][] = [];
      for (const [row, { text, encoding, tokenizer }] of texts.entries()) {
        const spans = await runSteps(locateTokens(text, encoding, tokenizer), checkpoint);
        const tokens: ScoredToken[] = [];
        for (let at = encoding.leading; at < encoding.leading + encoding.length; at++) {
          const { start, end } = spans[at] ?? { start: 0, end: 0 };
          const token = encoding.tokens[at] ?? "";
          tokens.push({ token, index: at, start, end, scores: softmax(rows(row, at)) });
        }
        const options = { aggregation: aggregation_strategy, ignoreLabels: ignore_labels };
        predictions.push(toEntities(text, tokens, labels, tokenizer, options));
      }
      return predictions;
    },
  };
}

/** Reads the scores of a token from [batch, tokens, labels]. */
function tokenScores(
  result: Tensor,
  texts: readonly TextMetadata[],
  labels: number,
): (row: number, token: number) => number[] {
  const { name, datatype, shape } = result;
  if (datatype === "BYTES" || shape[2] !== labels || !isTokenOutput(shape, texts))
    throw outputMismatch(result, `[batch, tokens, ${labels}], a score for each label`);
  const values = toTypedArray(result);
  const tokens = shape[1] ?? 0;
  return (row, token) => {
    const start = (row * tokens + token) * labels;
    const scores = Array.from(values.subarray(start, start + labels), Number);
    if (scores.every(Number.isFinite)) return scores;
    throw notFinite(name);
  };
}

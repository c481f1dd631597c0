import { z } from "zod";
import { AGGREGATIONS, type TokenClassificationBlock } from "../../domain/blocks/text-blocks.ts";
import { ApiError } from "../../domain/errors.ts";
import { formatShape, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { softmax } from "../../shared/softmax.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { type ScoredToken, toEntities } from "./entities.ts";
import { locateTokens } from "./token-spans.ts";
import type { TextMetadata } from "./tokenizer-preprocessor.ts";

const PARAMETERS = z.strictObject({
  aggregation_strategy: z.enum(AGGREGATIONS).optional(),
  ignore_labels: z.array(z.string()).optional(),
});

/** The entities of each text, as the token classification pipeline of Hugging Face's `transformers` finds them. */
export function createTokenClassificationPostprocessor(
  { scores, aggregation, ignoreLabels }: TokenClassificationBlock,
  labels: readonly string[],
): Postprocessor<typeof PARAMETERS> {
  return {
    outputs: [scores],
    parameters: PARAMETERS,
    toAnswers(
      [result],
      metadata,
      { aggregation_strategy = aggregation, ignore_labels = ignoreLabels },
    ) {
      const rows = tokenScores(result as Tensor, labels.length);
      return metadata.map((itemMetadata, row) => {
        const { text, encoding, tokenizer } = itemMetadata as TextMetadata;
        const spans = locateTokens(text, encoding, tokenizer);
        const tokens: ScoredToken[] = [];
        for (let at = encoding.leading; at < encoding.leading + encoding.length; at++) {
          const { start, end } = spans[at] ?? { start: 0, end: 0 };
          const token = encoding.tokens[at] ?? "";
          tokens.push({ token, index: at, start, end, scores: softmax(rows(row, at)) });
        }
        const options = { aggregation: aggregation_strategy, ignoreLabels: ignore_labels };
        return toEntities(text, tokens, labels, tokenizer, options);
      });
    },
  };
}

/** Reads the scores of a token from [batch, tokens, labels]. */
function tokenScores(result: Tensor, labels: number): (row: number, token: number) => number[] {
  const { name, datatype, shape } = result;
  if (datatype === "BYTES" || shape.length !== 3 || shape[2] !== labels)
    throw new Error(
      `output "${name}" is ${datatype} ${formatShape(shape)}, not scores of ${labels} labels`,
    );
  const values = toTypedArray(result);
  const tokens = shape[1] ?? 0;
  return (row, token) => {
    const start = (row * tokens + token) * labels;
    const scores = Array.from(values.subarray(start, start + labels), Number);
    if (scores.every(Number.isFinite)) return scores;
    throw new ApiError(
      "inference_failed",
      `The model answered with NaN or infinity in output "${name}": the input is outside what it can compute.`,
    );
  };
}

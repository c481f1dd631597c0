import { type NumericTensor, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import { isTokenOutput, type TextMetadata } from "./text-metadata.ts";

/** The vectors of a text's tokens, of length 1, one after the other. */
interface TokenVectors {
  readonly values: Float32Array;
  readonly count: number;
  readonly dimensions: number;
}

/** Scores of a run: those of the query's own run are 0. */
type CompareTokens = (
  output: Tensor,
  texts: readonly TextMetadata[],
  checkpoint?: () => Promise<void>,
) => Promise<readonly number[]>;

/**
 * Compares texts with a query token by token (MaxSim of ColBERT, https://arxiv.org/abs/2004.12832): for each token of the query the
 * largest cosine with a token of the text, and the mean of these, from -1 to 1. Special tokens do not count, unless a text has no others.
 * The first text of the first run is the query; only its vectors are kept.
 */
export function createMaxSim(): CompareTokens {
  let query: TokenVectors | undefined;
  return async (output, texts, checkpoint) => {
    if (output.datatype === "BYTES" || !isTokenOutput(output.shape, texts))
      throw outputMismatch(output, "[batch, tokens, dimensions], a vector for each token");
    const scores: number[] = [];
    for (const [row, text] of texts.entries()) {
      const vectors = tokenVectors(output, row, text);
      if (query) scores.push(maxSim(query, vectors));
      else {
        query = vectors;
        scores.push(0);
      }
      await checkpoint?.();
    }
    return scores;
  };
}

function tokenVectors(
  output: NumericTensor,
  row: number,
  { encoding }: TextMetadata,
): TokenVectors {
  const [, tokens = 0, dimensions = 0] = output.shape;
  const { ids, leading, length } = encoding;
  const [first, count] = length > 0 ? [leading, length] : [0, ids.length];
  const from = (row * tokens + first) * dimensions;
  const values = Float32Array.from(
    toTypedArray(output).subarray(from, from + count * dimensions) as ArrayLike<number | bigint>,
    Number,
  );
  if (!values.every(Number.isFinite)) throw notFinite(output.name);
  for (let token = 0; token < count; token++) {
    const start = token * dimensions;
    let squared = 0;
    for (let at = start; at < start + dimensions; at++) squared += (values[at] ?? 0) ** 2;
    const scale = squared === 0 ? 0 : 1 / Math.sqrt(squared);
    for (let at = start; at < start + dimensions; at++) values[at] = (values[at] ?? 0) * scale;
  }
  return { values, count, dimensions };
}

function maxSim(query: TokenVectors, text: TokenVectors): number {
  const { dimensions } = query;
  let sum = 0;
  for (let a = 0; a < query.count; a++) {
    let best = text.count === 0 ? 0 : -1;
    for (let b = 0; b < text.count; b++) {
      let dot = 0;
      for (let at = 0; at < dimensions; at++)
        dot +=
          (query.values[a * dimensions + at] as number) *
          (text.values[b * dimensions + at] as number);
      if (dot > best) best = dot;
    }
    sum += best;
  }
  return query.count === 0 ? 0 : sum / query.count;
}

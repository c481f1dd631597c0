import { type EmbeddingBlock, embeddingBlock } from "../../domain/blocks/postprocess/embedding.ts";
import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { isTokenOutput, type TextMetadata } from "./text-metadata.ts";

/**
 * A vector for each text; for a comparison the cosine similarity of each other text to the first. Sums are computed in
 * double precision; vectors have single precision, as the model's output.
 */
export function createEmbeddingPostprocessor(
  block: EmbeddingBlock,
): Postprocessor<typeof embeddingBlock.parameters> {
  return {
    outputs: [block.output],
    parameters: embeddingBlock.parameters,
    toPredictions([result], metadata, { normalize = block.normalize }) {
      const texts = metadata as readonly TextMetadata[];
      return poolVectors(result as Tensor, block.pooling, texts).map((vector) =>
        Array.from(normalize ? toUnitLength(vector) : vector),
      );
    },
    assemble(predictions, form) {
      const vectors = predictions as readonly (readonly number[])[];
      if (form === "one") return vectors[0];
      if (form === "list") return vectors;
      const [source = [], ...others] = vectors;
      return others.map((vector) => cosine(source, vector));
    },
  };
}

/** @returns a vector of each row of [batch, tokens, dimensions], or each row of [batch, dimensions] */
function poolVectors(
  result: Tensor,
  pooling: EmbeddingBlock["pooling"],
  texts: readonly TextMetadata[],
): Float32Array[] {
  const { name, datatype, shape } = result;
  const isPooled = pooling === "none";
  const fits =
    pooling === "mean" ? isTokenOutput(shape, texts) : shape.length === (isPooled ? 2 : 3);
  if (datatype === "BYTES" || !fits)
    throw outputMismatch(
      result,
      isPooled ? "[batch, dimensions]" : "[batch, tokens, dimensions], a vector for each token",
    );
  const values = toTypedArray(result);
  const [batch = 0] = shape;
  const dimensions = shape.at(-1) ?? 0;
  const tokens = isPooled ? 1 : (shape[1] ?? 0);
  return Array.from({ length: batch }, (_, row) => {
    const counted = pooling === "mean" ? (texts[row]?.encoding.ids.length ?? tokens) : 1;
    const sums = new Float64Array(dimensions);
    const start = row * tokens * dimensions;
    for (let token = 0; token < counted; token++)
      for (let at = 0; at < dimensions; at++)
        sums[at] = (sums[at] ?? 0) + Number(values[start + token * dimensions + at]);
    const vector = Float32Array.from(sums, (sum) => sum / Math.max(1, counted));
    if (vector.every(Number.isFinite)) return vector;
    throw notFinite(name);
  });
}

/** A vector of zeros is not changed. */
function toUnitLength(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** Cosine similarity, from -1 to 1; 0 where a vector is zero. */
export function cosine(a: readonly number[], b: readonly number[]): number {
  let dot = 0;
  let lengthA = 0;
  let lengthB = 0;
  for (const [at, value] of a.entries()) {
    const other = b[at] ?? 0;
    dot += value * other;
    lengthA += value * value;
    lengthB += other * other;
  }
  return lengthA === 0 || lengthB === 0 ? 0 : dot / Math.sqrt(lengthA * lengthB);
}

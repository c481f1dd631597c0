import { z } from "zod";
import type { EmbeddingBlock } from "../../domain/blocks/text-blocks.ts";
import { ApiError } from "../../domain/errors.ts";
import { formatShape, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import type { Postprocessor } from "../postprocessor.ts";
import type { ItemMetadata } from "../preprocessor.ts";
import type { TextMetadata } from "./tokenizer-preprocessor.ts";

const PARAMETERS = z.strictObject({ normalize: z.boolean().optional() });

/**
 * A vector for each text; for a comparison the cosines of the first text's vector with those of the others. Sums
 * are taken in double precision, and vectors are single precision, as the model's output is.
 */
export function createEmbeddingPostprocessor(
  block: EmbeddingBlock,
): Postprocessor<typeof PARAMETERS> {
  return {
    outputs: [block.output],
    parameters: PARAMETERS,
    toAnswers([result], metadata, { normalize = block.normalize }) {
      return poolVectors(result as Tensor, block.pooling, metadata).map((vector) =>
        Array.from(normalize ? toUnitLength(vector) : vector),
      );
    },
    assemble(answers, form) {
      const vectors = answers as readonly (readonly number[])[];
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
  metadata: readonly ItemMetadata[],
): Float32Array[] {
  const { name, datatype, shape } = result;
  const rank = pooling === "none" ? 2 : 3;
  if (datatype === "BYTES" || shape.length !== rank)
    throw new Error(
      `output "${name}" is ${datatype} ${formatShape(shape)}, not ${rank} dimensions of numbers`,
    );
  const values = toTypedArray(result);
  const [batch = 0] = shape;
  const dimensions = shape.at(-1) ?? 0;
  const tokens = rank === 3 ? (shape[1] ?? 0) : 1;
  return Array.from({ length: batch }, (_, row) => {
    const itemMetadata = metadata[row] as TextMetadata | undefined;
    const counted = pooling === "mean" ? (itemMetadata?.encoding.ids.length ?? tokens) : 1;
    const sums = new Float64Array(dimensions);
    const start = row * tokens * dimensions;
    for (let token = 0; token < counted; token++)
      for (let at = 0; at < dimensions; at++)
        sums[at] = (sums[at] ?? 0) + Number(values[start + token * dimensions + at]);
    const vector = Float32Array.from(sums, (sum) => sum / Math.max(1, counted));
    if (vector.every(Number.isFinite)) return vector;
    throw new ApiError(
      "inference_failed",
      `The model answered with NaN or infinity in output "${name}": the input is outside what it can compute.`,
    );
  });
}

/** A vector of zeros stays one. */
function toUnitLength(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** From -1 to 1; 0 where a vector has no direction. */
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

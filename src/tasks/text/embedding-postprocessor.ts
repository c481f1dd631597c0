import { type EmbeddingBlock, embeddingBlock } from "../../domain/blocks/postprocess/embedding.ts";
import { ApiError } from "../../domain/errors.ts";
import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import type { Postprocessor, Predictions } from "../postprocessor.ts";
import { createMaxSim } from "./max-sim.ts";
import { toRanking } from "./ranking-postprocessor.ts";
import { isTokenOutput, type TextMetadata } from "./text-metadata.ts";

/**
 * A vector for each text; for a comparison the cosine similarity of each other text to the first, for a ranking the texts by their
 * similarity to the query. Sums are computed in double precision; vectors have single precision, as the model's output.
 */
export function createEmbeddingPostprocessor(block: EmbeddingBlock): EmbeddingPostprocessor {
  const toVectors: EmbeddingPostprocessor["toPredictions"] = (
    [result],
    metadata,
    { normalize = block.normalize, dimensions },
  ) => {
    const texts = metadata as readonly TextMetadata[];
    const output = result as Tensor;
    if (dimensions !== undefined) checkDimensions(dimensions, block, output.shape.at(-1));
    return poolVectors(output, block.pooling, texts).map((vector) => {
      const kept = dimensions === undefined ? vector : vector.subarray(0, dimensions);
      return Array.from(normalize ? toUnitLength(kept) : kept);
    });
  };

  return {
    outputs: [block.output],
    parameters: embeddingBlock.parameters,
    toPredictions: toVectors,
    forRequest(form, { similarity, dimensions }) {
      if (form !== "ranking" || similarity !== "max_sim") return undefined;
      checkMaxSim(block, dimensions);
      const compareTokens = createMaxSim();
      return {
        toPredictions: ([result], metadata, _parameters, checkpoint) =>
          compareTokens(result as Tensor, metadata as readonly TextMetadata[], checkpoint),
      };
    },
    assemble(predictions, form, { similarity, top_k }) {
      if (form === "ranking" && similarity === "max_sim")
        return toRanking(predictions.slice(1) as number[], top_k);
      const vectors = predictions as readonly (readonly number[])[];
      if (form === "one") return vectors[0];
      if (form === "list") return vectors;
      const [source = [], ...others] = vectors;
      const cosines = others.map((vector) => cosine(source, vector));
      return form === "ranking" ? toRanking(cosines, top_k) : cosines;
    },
  };
}

type EmbeddingPostprocessor = Postprocessor<
  typeof embeddingBlock.parameters,
  Predictions | Promise<Predictions>
>;

/** @throws ApiError `invalid_request` for a size that the model was not trained for */
function checkDimensions(wanted: number, block: EmbeddingBlock, size: number | undefined): void {
  if (wanted === size || block.dimensions?.includes(wanted)) return;
  const valid = [...new Set([...(block.dimensions ?? []), ...(size === undefined ? [] : [size])])];
  throw new ApiError(
    "invalid_request",
    `dimensions cannot be ${wanted}: the vectors of this model ${block.dimensions ? `can have ${valid.join(", ")}` : `have ${size}`} dimensions${block.dimensions ? "" : ", and cannot be shortened"}.`,
    { details: { field: "dimensions", valid } },
  );
}

/** @throws ApiError `invalid_request` for a model that has no vectors of tokens */
function checkMaxSim({ pooling }: EmbeddingBlock, dimensions: number | undefined): void {
  if (pooling !== "none" && dimensions === undefined) return;
  throw new ApiError(
    "invalid_request",
    `"parameters" are not valid for this model: similarity cannot be max_sim${pooling === "none" ? ", because the model has one vector for a text, and none for its tokens. Send cosine." : " with dimensions, which shorten vectors of texts: leave one of them out."}`,
    { details: { field: "parameters.similarity" } },
  );
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

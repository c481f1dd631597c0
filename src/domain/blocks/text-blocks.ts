import { z } from "zod";
import type { TensorSpec } from "../tensor.ts";
import { filePath, blockVersion as version } from "./block-fields.ts";

/** The blocks of manifests for texts; `docs/tasks.md` says what each computes. */

/** The strategies of the token classification pipeline of Hugging Face. */
export const AGGREGATIONS = ["none", "simple", "first", "average", "max"] as const;

export const characterNgramsSchema = z.strictObject({
  type: z.literal("character-ngrams"),
  version,
  input: z.string().describe("The model's input, of shape [batch, vocabulary size]."),
  vocabulary: filePath.describe(
    "A file of this version: a JSON array of n-grams of 1 to 4 UTF-16 code units.",
  ),
});

export const tokenizerSchema = z.strictObject({
  type: z.literal("tokenizer"),
  version,
  tokenizer: filePath.describe("A file of this version: a tokenizer.json of Hugging Face."),
  inputs: z
    .strictObject({
      ids: z.string().describe("Token ids."),
      attentionMask: z.string().optional().describe("1 for a token, 0 for padding."),
      tokenTypeIds: z.string().optional().describe("0 for each token of a single text."),
    })
    .describe("The model's inputs, INT64 or INT32, of shape [batch, tokens]."),
  maxLength: z
    .int()
    .min(1)
    .max(32_768)
    .describe("How many tokens of a text the model reads, special ones included."),
  truncation: z
    .enum(["end", "error"])
    .describe("Whether the end of a longer text is cut off, or the text refused."),
  padding: z
    .enum(["longest", "max-length"])
    .describe(
      "Whether texts are padded to the longest one of their run, or all to `maxLength`, for a model whose second dimension is fixed.",
    ),
});

export const embeddingSchema = z.strictObject({
  type: z.literal("embedding"),
  version,
  output: z
    .string()
    .describe("The model's output: [batch, tokens, dimensions], or pooled [batch, dimensions]."),
  pooling: z
    .enum(["mean", "cls", "none"])
    .describe("The mean of the tokens' vectors without padding, the first one, or pooled already."),
  normalize: z.boolean().describe("Whether vectors are brought to length 1."),
});

export const tokenClassificationSchema = z.strictObject({
  type: z.literal("token-classification"),
  version,
  scores: z
    .string()
    .describe("The model's output, of shape [batch, tokens, labels], before softmax."),
  aggregation: z
    .enum(AGGREGATIONS)
    .describe("How tokens become entities, unless the request says otherwise."),
  ignoreLabels: z.array(z.string()).default(["O"]).describe("Labels that are not answered."),
});

export type TokenizerBlock = z.output<typeof tokenizerSchema>;
export type EmbeddingBlock = z.output<typeof embeddingSchema>;
export type TokenClassificationBlock = z.output<typeof tokenClassificationSchema>;

/** What about the model's inputs does not fit the block, by the path of the block's field. */
export function* tokenizerProblems(
  { inputs, maxLength, padding }: TokenizerBlock,
  specs: readonly TensorSpec[],
): Generator<readonly [path: string[], message: string]> {
  for (const [field, name] of Object.entries(inputs)) {
    const spec = specs.find((candidate) => candidate.name === name);
    if (!spec) continue;
    if (spec.datatype !== "INT64" && spec.datatype !== "INT32")
      yield [["inputs", field], `is ${spec.datatype}, but tokens become INT64 or INT32`];
    if (spec.shape.length !== 2) yield [["inputs", field], "has not the shape [batch, tokens]"];
    const width = spec.shape[1];
    if (typeof width !== "number" || width === -1) continue;
    if (width !== maxLength || padding !== "max-length")
      yield [["maxLength"], `the input takes ${width} tokens: ${width}, with padding "max-length"`];
  }
  const fed: readonly unknown[] = Object.values(inputs);
  for (const { name } of specs)
    if (!fed.includes(name))
      yield [["inputs"], `the model's input ${JSON.stringify(name)} is none of them`];
}

/** What about the model's output does not fit the block, by the block's field. */
export function* textOutputProblems(
  block: EmbeddingBlock | TokenClassificationBlock,
  specs: readonly TensorSpec[],
  labels: readonly string[],
): Generator<readonly [field: string, message: string]> {
  const field = block.type === "embedding" ? "output" : "scores";
  const name = block.type === "embedding" ? block.output : block.scores;
  const shape = specs.find((candidate) => candidate.name === name)?.shape;
  if (!shape) return;
  const rank = block.type === "embedding" && block.pooling === "none" ? 2 : 3;
  if (shape.length !== rank) yield [field, `has ${shape.length} dimensions instead of ${rank}`];
  const last = shape.at(-1);
  if (block.type === "token-classification" && typeof last === "number" && last !== -1)
    if (last !== labels.length) yield [field, `has ${last} scores for ${labels.length} labels`];
}

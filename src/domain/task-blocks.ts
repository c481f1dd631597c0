import { z } from "zod";

/**
 * The blocks of a manifest that say how a person's input becomes tensors (`preprocess`) and how output
 * tensors become an answer (`postprocess`). They are data, never code. Each has a version, so that a
 * block keeps its meaning for as long as a published model lives.
 */

export const filePath = z
  .string()
  .regex(
    /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/,
    "a relative path of letters, digits, dots, underscores, hyphens and slashes, without . or .. segments",
  )
  .refine((path) => path !== "manifest.json", "manifest.json is the manifest itself");

const version = z
  .literal(1)
  .describe("Raised when the block's arithmetic changes, so that cached answers are not reused.");

export const preprocessSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("tabular"),
    version,
    input: z.string().describe("The model's input, of shape [batch, columns]."),
    columns: z.array(z.string().min(1)).min(1).describe("Column names, in the input's order."),
  }),
  z.strictObject({
    type: z.literal("array"),
    version,
    input: z.string().describe("The model's input; its first dimension is the batch."),
  }),
  z.strictObject({
    type: z.literal("character-ngrams"),
    version,
    input: z.string().describe("The model's input, of shape [batch, vocabulary size]."),
    vocabulary: filePath.describe(
      "A file of this version: a JSON array of n-grams of 1 to 4 UTF-16 code units.",
    ),
  }),
  z.strictObject({
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
  }),
]);

/** The strategies of the token classification pipeline of Hugging Face. */
export const AGGREGATIONS = ["none", "simple", "first", "average", "max"] as const;

export const postprocessSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("classification"),
    version,
    scores: z.string().describe("The model's output, of shape [batch, classes]."),
    activation: z
      .enum(["none", "softmax", "sigmoid"])
      .describe("What remains to be applied to the output to make it scores."),
    topK: z.int().min(1).optional().describe("How many labels to answer unless asked; else all."),
  }),
  z.strictObject({
    type: z.literal("regression"),
    version,
    output: z.string().describe("The model's output, of shape [batch] or [batch, 1]."),
  }),
  z.strictObject({
    type: z.literal("clustering"),
    version,
    distances: z.string().describe("The model's output, of shape [batch, clusters]."),
  }),
  z.strictObject({
    type: z.literal("embedding"),
    version,
    output: z
      .string()
      .describe("The model's output: [batch, tokens, dimensions], or pooled [batch, dimensions]."),
    pooling: z
      .enum(["mean", "cls", "none"])
      .describe(
        "The mean of the tokens' vectors without padding, the first one, or pooled already.",
      ),
    normalize: z.boolean().describe("Whether vectors are brought to length 1."),
  }),
  z.strictObject({
    type: z.literal("token-classification"),
    version,
    scores: z
      .string()
      .describe("The model's output, of shape [batch, tokens, labels], before softmax."),
    aggregation: z
      .enum(AGGREGATIONS)
      .describe("How tokens become entities, unless the request says otherwise."),
    ignoreLabels: z.array(z.string()).default(["O"]).describe("Labels that are not answered."),
  }),
]);

export type Preprocess = z.output<typeof preprocessSchema>;
export type Postprocess = z.output<typeof postprocessSchema>;

/** What the task door does with a model, and the blocks that each task is made of. */
export const TASKS = {
  "tabular-classification": { preprocess: ["tabular", "array"], postprocess: ["classification"] },
  "tabular-regression": { preprocess: ["tabular", "array"], postprocess: ["regression"] },
  clustering: { preprocess: ["tabular", "array"], postprocess: ["clustering"] },
  "image-classification": { preprocess: ["array"], postprocess: ["classification"] },
  "text-classification": {
    preprocess: ["character-ngrams", "tokenizer"],
    postprocess: ["classification"],
  },
  "token-classification": { preprocess: ["tokenizer"], postprocess: ["token-classification"] },
  "feature-extraction": { preprocess: ["tokenizer"], postprocess: ["embedding"] },
  "sentence-similarity": { preprocess: ["tokenizer"], postprocess: ["embedding"] },
} as const satisfies Record<
  string,
  { preprocess: readonly Preprocess["type"][]; postprocess: readonly Postprocess["type"][] }
>;
export type Task = keyof typeof TASKS;

/** What of the model and of the version's files a block refers to. */
export interface BlockReferences {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly files?: readonly string[];
}

export function blockReferences(block: Preprocess | Postprocess): BlockReferences {
  switch (block.type) {
    case "tabular":
    case "array":
      return { inputs: [block.input] };
    case "character-ngrams":
      return { inputs: [block.input], files: [block.vocabulary] };
    case "tokenizer":
      return {
        inputs: Object.values(block.inputs).filter((name) => name !== undefined),
        files: [block.tokenizer],
      };
    case "classification":
    case "token-classification":
      return { outputs: [block.scores] };
    case "regression":
    case "embedding":
      return { outputs: [block.output] };
    case "clustering":
      return { outputs: [block.distances] };
  }
}

import { z } from "zod";
import { audioWindowsSchema, voiceActivitySchema } from "./audio-blocks.ts";
import { blockVersion as version } from "./block-fields.ts";
import { imageSchema, objectDetectionSchema } from "./image-blocks.ts";
import {
  characterNgramsSchema,
  embeddingSchema,
  tokenClassificationSchema,
  tokenizerSchema,
} from "./text-blocks.ts";

/**
 * The blocks of a manifest that say how a person's input becomes tensors (`preprocess`) and how output
 * tensors become an answer (`postprocess`). They are data, never code. Each has a version, so that a
 * block keeps its meaning for as long as a published model lives.
 */

export const preprocessSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("tabular"),
    version,
    input: z.string().describe("The model's input, of shape [batch, columns]."),
    columns: z
      .array(z.string().min(1))
      .min(1)
      .refine((names) => new Set(names).size === names.length, "two columns have the same name")
      .describe("Column names, in the input's order."),
    categories: z
      .record(
        z.string(),
        z
          .array(z.string().min(1))
          .min(1)
          .refine((names) => new Set(names).size === names.length, "two categories are the same"),
      )
      .default({})
      .describe("By column, the names that it may have: each becomes its position, from 0."),
    missing: z
      .record(z.string(), z.union([z.number(), z.literal("nan")]))
      .default({})
      .describe(
        "By column, what stands for a value that is missing (null, an empty text, or nothing at all); without it there must be one.",
      ),
  }),
  z.strictObject({
    type: z.literal("array"),
    version,
    input: z.string().describe("The model's input; its first dimension is the batch."),
  }),
  characterNgramsSchema,
  imageSchema,
  audioWindowsSchema,
  tokenizerSchema,
]);

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
  objectDetectionSchema,
  embeddingSchema,
  tokenClassificationSchema,
  voiceActivitySchema,
]);

export type Preprocess = z.output<typeof preprocessSchema>;
export type Postprocess = z.output<typeof postprocessSchema>;

/** What the task door does with a model, and the blocks that each task is made of. */
export const TASKS = {
  "tabular-classification": { preprocess: ["tabular", "array"], postprocess: ["classification"] },
  "tabular-regression": { preprocess: ["tabular", "array"], postprocess: ["regression"] },
  clustering: { preprocess: ["tabular", "array"], postprocess: ["clustering"] },
  "image-classification": { preprocess: ["image", "array"], postprocess: ["classification"] },
  "object-detection": { preprocess: ["image"], postprocess: ["object-detection"] },
  "text-classification": {
    preprocess: ["character-ngrams", "tokenizer"],
    postprocess: ["classification"],
  },
  "token-classification": { preprocess: ["tokenizer"], postprocess: ["token-classification"] },
  "feature-extraction": { preprocess: ["tokenizer"], postprocess: ["embedding"] },
  "sentence-similarity": { preprocess: ["tokenizer"], postprocess: ["embedding"] },
  "voice-activity-detection": { preprocess: ["audio-windows"], postprocess: ["voice-activity"] },
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
    case "image":
      return { inputs: [block.input] };
    case "character-ngrams":
      return { inputs: [block.input], files: [block.vocabulary] };
    case "audio-windows":
      return {
        inputs: [block.input, ...[...block.state, ...block.constants].map(({ input }) => input)],
        outputs: block.state.map(({ output }) => output),
      };
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
    case "object-detection":
      return { outputs: [block.boxes, block.scores] };
    case "voice-activity":
      return { outputs: [block.probabilities] };
  }
}

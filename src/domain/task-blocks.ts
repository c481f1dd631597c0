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
    type: z.literal("audio-windows"),
    version,
    input: z
      .string()
      .describe("The model's FP32 input, of shape [windows, contextSamples + windowSamples]."),
    sampleRate: z
      .int()
      .min(1000)
      .max(384_000)
      .describe("What the model hears, in Hz; clips are resampled to it, and channels averaged."),
    windowSamples: z.int().min(1).max(65_536).describe("New samples of a window."),
    contextSamples: z
      .int()
      .min(0)
      .max(65_536)
      .default(0)
      .describe("Samples in front of them, from the window before; silence before the first."),
    windowsPerRun: z
      .int()
      .min(1)
      .max(4096)
      .default(1)
      .describe("How many windows one run takes at most, in their order."),
    maxSeconds: z.number().min(0.01).max(3600).default(300).describe("Of audio in one request."),
    state: z
      .array(z.strictObject({ input: z.string(), output: z.string() }))
      .min(1)
      .max(16)
      .describe(
        "FP32 tensors that each run takes and gives back; 0 in the beginning. A dynamic dimension is 1.",
      ),
    constants: z
      .array(z.strictObject({ input: z.string(), value: z.number() }))
      .max(16)
      .default([])
      .describe("Inputs that are the same at each run, such as the rate."),
  }),
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
  z.strictObject({
    type: z.literal("voice-activity"),
    version,
    probabilities: z
      .string()
      .describe("The model's FP32 output: for each window, how likely it is that somebody speaks."),
    threshold: z.number().min(0.01).max(1).default(0.5).describe("Speech begins at it."),
    minSpeechMs: z.int().min(0).max(60_000).default(250).describe("Shorter speech is dropped."),
    minSilenceMs: z.int().min(0).max(60_000).default(100).describe("Shorter silence is speech."),
    speechPadMs: z.int().min(0).max(60_000).default(30).describe("Added to speech at both ends."),
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
  "text-classification": { preprocess: ["character-ngrams"], postprocess: ["classification"] },
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
      return { inputs: [block.input] };
    case "character-ngrams":
      return { inputs: [block.input], files: [block.vocabulary] };
    case "audio-windows":
      return {
        inputs: [block.input, ...[...block.state, ...block.constants].map(({ input }) => input)],
        outputs: block.state.map(({ output }) => output),
      };
    case "classification":
      return { outputs: [block.scores] };
    case "regression":
      return { outputs: [block.output] };
    case "clustering":
      return { outputs: [block.distances] };
    case "voice-activity":
      return { outputs: [block.probabilities] };
  }
}

import * as z from "zod";
import type { PreprocessDefinition } from "../block-definition.ts";
import { filePath, TEXT_MEDIA_TYPES, blockVersion as version } from "../block-fields.ts";
import { findSpec, fixedSize, tensorProblems } from "../tensor-checks.ts";

/** As Hugging Face's specification writes them, and as its server for embeddings does. */
export const TRUNCATION_DIRECTIONS = ["left", "right", "Left", "Right"] as const;

const schema = z.strictObject({
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
  prompts: z
    .record(z.string().min(1).max(64), z.string().max(2000))
    .optional()
    .describe(
      "Of embeddings: what precedes texts, by names such as `query` and `document`, which requests choose by `prompt_name` or `input_type`.",
    ),
  defaultPrompt: z
    .string()
    .optional()
    .describe("The name of the prompt of texts whose request names none."),
});

export type TokenizerBlock = z.output<typeof schema>;

/** Texts as token ids. */
export const tokenizerBlock = {
  type: "tokenizer",
  schema,
  mediaTypes: TEXT_MEDIA_TYPES,
  inputs:
    "a text, or a list of texts; with `classification` also pairs `{text, text_pair}` or `[text, text]` in a list; with `embedding` also `{source_sentence, sentences}`, which returns the cosine similarity of each sentence to the first; with `embedding` and `text-ranking` also `{query, texts}`, which returns the texts by how well they fit the query; with `zero-shot-classification` a text or a list, and the parameter `candidate_labels`",
  parameters: z.strictObject({
    truncate: z.boolean().optional().describe("whether a text that is too long is cut"),
    truncation_direction: z
      .enum(TRUNCATION_DIRECTIONS)
      .optional()
      .describe("whether its beginning (left) or its end (right, the default) is cut"),
    prompt_name: z
      .string()
      .max(64)
      .optional()
      .describe("the name of the manifest's prompt that precedes texts"),
  }),
  references: ({ tokenizer, inputs }) => ({
    inputs: Object.values(inputs).filter((name) => name !== undefined),
    files: [tokenizer],
  }),
  *problems({ inputs, maxLength, padding, prompts = {}, defaultPrompt }, manifest) {
    if (defaultPrompt !== undefined && !Object.hasOwn(prompts, defaultPrompt))
      yield {
        path: ["preprocess", "defaultPrompt"],
        message: `${JSON.stringify(defaultPrompt)} is not one of the prompts`,
      };
    if (
      Object.keys(prompts).length > 0 &&
      (manifest.postprocess?.type ?? "embedding") !== "embedding"
    )
      yield { path: ["preprocess", "prompts"], message: "only with embedding" };
    for (const [field, name] of Object.entries(inputs)) {
      const spec = name === undefined ? undefined : findSpec(manifest.inputs, name);
      if (!spec) continue;
      yield* tensorProblems(["preprocess", "inputs", field], spec, {
        datatypes: ["INT64", "INT32"],
        shapes: [["batch", "tokens"]],
      });
      const width = fixedSize(spec.shape[1]);
      if (width !== undefined && (width !== maxLength || padding !== "max-length"))
        yield {
          path: ["preprocess", "maxLength"],
          message: `the input takes ${width} tokens: ${width}, with padding "max-length"`,
        };
    }
  },
} satisfies PreprocessDefinition<typeof schema>;

import * as z from "zod";
import type { PreprocessDefinition } from "../block-definition.ts";
import { filePath, TEXT_MEDIA_TYPES, blockVersion as version } from "../block-fields.ts";
import { ENCODER } from "../encoder-name.ts";
import { findSpec, tensorProblems } from "../tensor-checks.ts";

const tokenId = z.int().min(0);
const language = z.string().min(1).max(32);

const schema = z.strictObject({
  type: z.literal("source-text"),
  version,
  tokenizer: filePath.describe("A file of this version: a tokenizer.json of Hugging Face."),
  inputs: z
    .strictObject({
      ids: z.string().describe("Token ids."),
      attentionMask: z.string().optional().describe("1 for each token."),
    })
    .describe("The inputs of the model `encoder`, INT64 or INT32, of shape [batch, tokens]."),
  maxTokens: z
    .int()
    .min(1)
    .max(32_768)
    .describe("How many tokens of a text the encoder reads, special ones included."),
  prefix: z
    .string()
    .max(256)
    .optional()
    .describe(
      "Put in front of each text, as T5 needs it: `summarize: `, `translate English to German: `.",
    ),
  languages: z
    .strictObject({
      tokens: z.record(language, tokenId).describe("The token of each language, by its code."),
      source: language.describe("The language of texts whose request does not name one."),
      target: language.describe("The language of results, likewise."),
    })
    .optional()
    .describe(
      "Of models that translate between several languages: the token of the source language takes the place of the one that the tokenizer writes, and a result begins with that of the target language.",
    ),
});

export type SourceTextBlock = z.output<typeof schema>;

/** As Hugging Face's clients write them, and as transformers does. */
const TRUNCATIONS = ["do_not_truncate", "longest_first", "only_first"] as const;

/** A text that a model reads as a whole before it writes another one. */
export const sourceTextBlock = {
  type: "source-text",
  schema,
  mediaTypes: TEXT_MEDIA_TYPES,
  inputs: "a text, or a list of texts",
  parameters: z.strictObject({
    truncation: z
      .union([z.enum(TRUNCATIONS), z.boolean()])
      .optional()
      .describe(
        "whether the end of a text that is too long is cut off (longest_first, only_first or true); by default it is refused",
      ),
    src_lang: z
      .string()
      .optional()
      .describe("the language of the text, of models that read several"),
    tgt_lang: z
      .string()
      .optional()
      .describe("the language of the result, of models that write several"),
  }),
  references: ({ tokenizer, inputs }) => ({
    files: [tokenizer],
    models: {
      [ENCODER]: { inputs: Object.values(inputs).filter((name) => name !== undefined) },
    },
  }),
  *problems({ inputs, languages }, { models = {} }) {
    const encoder = models[ENCODER];
    for (const [field, name] of Object.entries(inputs)) {
      const spec = name === undefined ? undefined : findSpec(encoder?.inputs ?? [], name);
      if (spec)
        yield* tensorProblems(["preprocess", "inputs", field], spec, {
          datatypes: ["INT64", "INT32"],
          shapes: [["batch", "tokens"]],
        });
    }
    for (const side of ["source", "target"] as const)
      if (languages && !Object.hasOwn(languages.tokens, languages[side]))
        yield { path: ["preprocess", "languages", side], message: "must be one of tokens" };
  },
} satisfies PreprocessDefinition<typeof schema>;

import * as z from "zod";
import type { PreprocessDefinition } from "../block-definition.ts";
import { filePath, TEXT_MEDIA_TYPES } from "../block-fields.ts";
import { findSpec, tensorProblems } from "../tensor-checks.ts";
import { UNCUT_TEXT_PARAMETERS } from "./uncut-texts.ts";

const schema = z.strictObject({
  type: z.literal("character-ngrams"),
  version: z
    .literal([1, 2])
    .describe(
      "2: texts are normalized (NFC), and any white space is one space. 1: neither, for models that were published before.",
    ),
  input: z.string().describe("The model's FP32 input, of shape [batch, vocabulary size]."),
  vocabulary: filePath.describe(
    "A file of this version: a JSON array of n-grams of 1 to 4 UTF-16 code units.",
  ),
});

export type CharacterNgramsBlock = z.output<typeof schema>;

/** Texts as relative frequencies of character n-grams. */
export const characterNgramsBlock = {
  type: "character-ngrams",
  schema,
  mediaTypes: TEXT_MEDIA_TYPES,
  inputs: "a text, or a list of texts",
  parameters: UNCUT_TEXT_PARAMETERS,
  references: ({ input, vocabulary }) => ({ inputs: [input], files: [vocabulary] }),
  *problems(block, { inputs }) {
    const spec = findSpec(inputs, block.input);
    const expected = { datatypes: ["FP32"], shapes: [["batch", "vocabulary size"]] } as const;
    if (spec) yield* tensorProblems(["preprocess", "input"], spec, expected);
  },
} satisfies PreprocessDefinition<typeof schema>;

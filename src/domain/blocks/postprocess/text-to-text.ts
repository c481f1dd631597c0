import * as z from "zod";
import {
  samplingDefaults,
  samplingParameters,
  stopStrings,
  tokenDetailParameters,
  tokenId,
} from "../../sampling-parameters.ts";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { findSpec, fixedSize, pairProblems } from "../tensor-checks.ts";
import {
  encoderDecoderFields,
  encoderDecoderProblems,
  encoderDecoderReferences,
} from "./encoder-decoder.ts";
import { generatedText, generatedToken, generationDetails } from "./text-generation.ts";

/** The blocks of models that read a text and write another one: they differ in the name of the result. */

const MAX_TOKENS = 131_072;
/** Limits of beam search, docs/configuration.md. */
export const MAX_BEAMS = 16;

const numBeams = z.int().min(1).max(MAX_BEAMS);
const lengthPenalty = z.number().min(-100).max(100);
const earlyStopping = z.union([z.boolean(), z.literal("never")]);

const fields = {
  version,
  decoder: encoderDecoderFields,
  startTokenIds: z
    .array(tokenId)
    .min(1)
    .max(64)
    .describe("With which each result begins, such as the `decoder_start_token_id`."),
  forcedBosTokenId: tokenId.optional().describe("The first token that is generated."),
  forcedEosTokenId: tokenId
    .optional()
    .describe("The last token of a result that is as long as it may be."),
  maxNewTokens: z
    .int()
    .min(1)
    .max(MAX_TOKENS)
    .default(128)
    .describe("Tokens of a result, as far as the decoder's context has room."),
  ...samplingDefaults,
  eosTokenIds: samplingDefaults.eosTokenIds.default([]).describe("Each of them ends a text."),
  numBeams: numBeams.optional(),
  lengthPenalty: lengthPenalty.optional(),
  earlyStopping: earlyStopping.optional(),
};

const length = z.int().min(1).max(MAX_TOKENS).optional();

/** What chooses the tokens of a result, by the names of transformers' GenerationConfig. */
const generationParameters = {
  max_new_tokens: length.describe(
    "how many tokens are generated at most; by default as many as the manifest says",
  ),
  max_length: length.describe("the same, with the tokens that a result begins with"),
  min_length: z
    .int()
    .min(0)
    .max(MAX_TOKENS)
    .optional()
    .describe("the result does not end before so many tokens, those that it begins with included"),
  ...samplingParameters,
  num_beams: numBeams
    .optional()
    .describe("how many texts are followed at the same time by beam search; 1 for none"),
  length_penalty: lengthPenalty
    .optional()
    .describe("of beam search: above 0 for longer texts, below 0 for shorter ones"),
  early_stopping: earlyStopping
    .optional()
    .describe(
      "of beam search: whether it ends with as many texts as beams (true), when better ones are improbable (false) or impossible (never)",
    ),
  num_return_sequences: numBeams
    .optional()
    .describe("of beam search: how many of the texts that it finds are returned"),
};

export const textToTextParameters = z.strictObject({
  ...generationParameters,
  generate_parameters: z
    .strictObject(generationParameters)
    .optional()
    .describe("parameters of the generation, as Hugging Face's clients send them"),
  stop: stopStrings
    .optional()
    .describe("texts that end the generation; the one that is found is the end of the result"),
  clean_up_tokenization_spaces: z
    .boolean()
    .default(false)
    .describe("whether spaces before punctuation are removed from the result"),
  ...tokenDetailParameters,
});

/** The field of a result that has the text. */
export type ResultField = "generated_text" | "summary_text" | "translation_text";

export type TextToTextBlock = z.output<z.ZodObject<typeof fields>>;
export type TextToTextParameters = z.output<typeof textToTextParameters>;

/** @param result the schema of a result, with the name that it has in the API's description */
function createBlock<const T extends string>(
  type: T,
  description: string,
  result: { readonly name: string; readonly schema: z.ZodType },
) {
  const schema = z.strictObject({ type: z.literal(type), ...fields });
  const prediction = z.array(result.schema).describe(description);
  return {
    type,
    schema,
    parameters: textToTextParameters,
    prediction,
    // Results of a list are no lists themselves.
    listPrediction: prediction,
    named: {
      [result.name]: result.schema,
      GenerationDetails: generationDetails,
      GeneratedToken: generatedToken,
    },
    generates: true,
    references: ({ decoder }) => encoderDecoderReferences(decoder),
    *problems(block, manifest) {
      yield* pairProblems(type, manifest, "source-text");
      yield* encoderDecoderProblems(["postprocess", "decoder"], block.decoder, manifest);
      const logits = findSpec(manifest.outputs, block.decoder.logits);
      const vocabulary = fixedSize(logits?.shape[2]);
      const { eosTokenIds, startTokenIds, forcedBosTokenId, forcedEosTokenId } = block;
      const named = {
        eosTokenIds,
        startTokenIds,
        forcedBosTokenId: forcedBosTokenId === undefined ? [] : [forcedBosTokenId],
        forcedEosTokenId: forcedEosTokenId === undefined ? [] : [forcedEosTokenId],
      };
      for (const [name, ids] of Object.entries(named)) {
        const foreign = ids.find((id) => vocabulary !== undefined && id >= vocabulary);
        if (foreign !== undefined)
          yield {
            path: ["postprocess", name],
            message: `${foreign} is no token: the vocabulary has ${vocabulary}`,
          };
      }
    },
  } satisfies PostprocessDefinition<typeof schema>;
}

const details = generationDetails.optional();

export const text2textGenerationBlock = createBlock(
  "text2text-generation",
  "Text to text: what a model writes about a text, or about each of a list, as a list.",
  { name: "GeneratedText", schema: generatedText },
);

export const summarizationBlock = createBlock(
  "summarization",
  "Summarization: the summary of a text, or of each of a list, as a list.",
  { name: "Summary", schema: z.strictObject({ summary_text: z.string(), details }) },
);

export const translationBlock = createBlock(
  "translation",
  "Translation: that of a text, or of each of a list, as a list.",
  { name: "Translation", schema: z.strictObject({ translation_text: z.string(), details }) },
);

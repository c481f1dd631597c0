import * as z from "zod";

/** Limits of lists in a request, docs/configuration.md. */
export const MAX_BIASED_TOKENS = 1024;
export const MAX_BAD_WORDS = 1024;
export const MAX_BAD_WORD_TOKENS = 64;
export const MAX_STOP_STRINGS = 16;
export const MAX_STOP_LENGTH = 256;

export const tokenId = z.int().min(0);

const doSample = z.boolean();
const temperature = z.number().gt(0);
const topK = z.int().min(0);
const topP = z.number().min(0).max(1);
const minP = z.number().min(0).max(1);
const typicalP = z.number().gt(0).max(1);
const repetitionPenalty = z.number().min(0.01).max(100);
const presencePenalty = z.number().min(-2).max(2);
const frequencyPenalty = z.number().min(-2).max(2);
const noRepeatNgramSize = z.int().min(0);
const badWordsIds = z.array(z.array(tokenId).min(1).max(MAX_BAD_WORD_TOKENS)).max(MAX_BAD_WORDS);
const minNewTokens = z.int().min(0);

/** The parameters of a request that choose the next token, by the names of transformers' GenerationConfig. */
export const samplingParameters = {
  do_sample: doSample
    .optional()
    .describe(
      "whether tokens are drawn by their probabilities, or the most probable one is taken; true where one of temperature, top_k, top_p, min_p or typical_p is sent that has an effect",
    ),
  temperature: temperature.optional().describe("divides the logits"),
  top_k: topK.optional().describe("how many of the most probable tokens are kept; 0 keeps all"),
  top_p: topP
    .optional()
    .describe("the fewest most probable tokens whose probabilities add up to it are kept"),
  min_p: minP
    .optional()
    .describe("tokens are kept whose probability is at least this part of the highest one"),
  typical_p: typicalP
    .optional()
    .describe("tokens of a typical probability are kept that add up to it; 1 keeps all"),
  repetition_penalty: repetitionPenalty
    .optional()
    .describe("above 1 against the tokens of prompt and text, below 1 for them"),
  presence_penalty: presencePenalty
    .optional()
    .describe("subtracted from the logits of tokens that were generated"),
  frequency_penalty: frequencyPenalty
    .optional()
    .describe("subtracted from a token's logit for each time it was generated"),
  no_repeat_ngram_size: noRepeatNgramSize
    .optional()
    .describe("as many tokens occur only once; 0 for no limit"),
  bad_words_ids: badWordsIds.optional().describe("lists of token ids that are never generated"),
  logit_bias: z
    .record(z.string().regex(/^\d+$/, "a token id in digits"), z.number().min(-100).max(100))
    .refine((bias) => Object.keys(bias).length <= MAX_BIASED_TOKENS, {
      error: `at most ${MAX_BIASED_TOKENS} tokens`,
    })
    .optional()
    .describe("added to the logits of tokens, by their ids"),
  min_new_tokens: minNewTokens.optional().describe("the text does not end before so many tokens"),
  seed: z
    .int()
    .optional()
    .describe(
      "the same text again for the same request; an integer between -(2^53 - 1) and 2^53 - 1",
    ),
};

export type SamplingParameters = z.output<z.ZodObject<typeof samplingParameters>>;

/** The model's own values, of its generation_config.json, in a block of a manifest. */
export const samplingDefaults = {
  doSample: doSample.optional(),
  temperature: temperature.optional(),
  topK: topK.optional(),
  topP: topP.optional(),
  minP: minP.optional(),
  typicalP: typicalP.optional(),
  repetitionPenalty: repetitionPenalty.optional(),
  noRepeatNgramSize: noRepeatNgramSize.optional(),
  badWordsIds: badWordsIds.optional(),
  minNewTokens: minNewTokens.optional(),
  eosTokenIds: z.array(tokenId),
};

export type SamplingDefaults = z.output<z.ZodObject<typeof samplingDefaults>>;

/** The strings at which a text ends; they are no part of it. */
export const stopStrings = z
  .array(
    z
      .string()
      .min(1)
      .max(MAX_STOP_LENGTH)
      .refine((text) => text.isWellFormed(), { error: "contains half of a surrogate pair" }),
  )
  .max(MAX_STOP_STRINGS);

/** What is returned beside a generated text. */
export const tokenDetailParameters = {
  details: z
    .boolean()
    .default(false)
    .describe("whether the tokens, their probabilities and the reason of the end are returned"),
  top_n_tokens: z
    .int()
    .min(0)
    .max(20)
    .optional()
    .describe("how many of the most probable tokens are returned with each token"),
};

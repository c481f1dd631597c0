import * as z from "zod";
import { grammarSchema } from "../../grammar.ts";
import {
  samplingDefaults,
  samplingParameters,
  stopStrings,
  tokenDetailParameters,
} from "../../sampling-parameters.ts";
import type { ModelContext, PostprocessDefinition, Problem } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { findSpec, fixedSize, pairProblems, tensorProblems } from "../tensor-checks.ts";

const MAX_CONTEXT = 131_072;

export const tensorNames = z
  .string()
  .refine((name) => name.includes("{layer}") && name.includes("{kind}"), {
    error: "must contain {layer}, which stands for 0, 1, ..., and {kind}, for key and value",
  });

/** The tensors of a layer's cache. */
export const CACHE_KINDS = ["key", "value"] as const;

/** A decoder's cache of keys and values. */
export const cacheFields = z.strictObject({
  form: z
    .enum(["in-place", "growing"])
    .describe(
      "`in-place`: the model writes to the tensor that it reads, which has room for the whole text, as GroupQueryAttention does; `growing`: it returns a longer one.",
    ),
  past: tensorNames.describe(
    "The names of the inputs: `past_key_values.{layer}.{kind}`. Of shape [batch, heads, tokens, size].",
  ),
  present: tensorNames.describe("The names of the outputs: `present.{layer}.{kind}`."),
  layers: z.int().min(1).max(256),
  heads: z.int().min(1).max(1024).describe("Heads of keys and values."),
  headSize: z.int().min(1).max(1024),
  datatype: z.enum(["FP32", "FP16"]).default("FP32"),
});

/** A cache of which several texts may have parts. */
const sharedCacheFields = cacheFields.extend({
  independentTokens: z
    .boolean()
    .default(false)
    .describe(
      "Whether what the model computes for a token depends on nothing but the tokens before it, bit by bit: neither on the other tokens of a run nor on other texts. Only of a cache in place: then texts share their runs, and prefixes of prompts are kept.",
    ),
});

const schema = z.strictObject({
  type: z.literal("text-generation"),
  version,
  logits: z
    .string()
    .describe(
      "The model's FP32 output, of shape [batch, tokens, vocabulary]: of all tokens of a run, or of the last one.",
    ),
  context: z
    .int()
    .min(2)
    .max(MAX_CONTEXT)
    .describe("How many tokens prompt and answer may have together."),
  cache: sharedCacheFields.describe(
    "The keys and values of earlier tokens, which stay in the model's memory.",
  ),
  maxNewTokens: z
    .int()
    .min(1)
    .max(MAX_CONTEXT)
    .default(128)
    .describe("Tokens of an answer, as far as the context has room."),
  ...samplingDefaults,
  eosTokenIds: samplingDefaults.eosTokenIds.default([]).describe("Each of them ends a text."),
});

export type TextGenerationBlock = z.output<typeof schema>;
export type CacheBlock = z.output<typeof cacheFields>;

export const FINISH_REASONS = ["length", "eos_token", "stop_sequence"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

export const generatedToken = z.strictObject({
  id: z.int(),
  text: z.string(),
  logprob: z.number().describe("The natural logarithm of its probability."),
  special: z.boolean().describe("Whether it is no part of the text."),
});

const promptToken = z.strictObject({
  id: z.int(),
  text: z.string(),
  logprob: z
    .number()
    .nullable()
    .describe(
      "After the tokens before it; null for the first one, and without `decoder_input_details`.",
    ),
  special: z.boolean().describe("Whether it is no part of the text."),
  added: z.boolean().describe("Whether it was put in front of the prompt that was sent."),
  top_tokens: z.array(generatedToken).optional(),
});

export const generationDetails = z.strictObject({
  finish_reason: z.enum(FINISH_REASONS),
  generated_tokens: z.int(),
  seed: z.int().nullable().describe("With which the same tokens are drawn again."),
  prefill: z.array(promptToken).describe("The tokens of the prompt, where they are requested."),
  tokens: z.array(generatedToken),
  top_tokens: z.array(z.array(generatedToken)).optional(),
});

export const generatedText = z.strictObject({
  generated_text: z.string(),
  details: generationDetails.optional(),
});

const prediction = z
  .array(generatedText)
  .describe("Text generation: the text that continues a prompt, as a list of one.");

/** A parameter that clients always send, of which one value alone has no effect. */
function onlyNeutral<T extends boolean | number>(value: T, reason: string) {
  return z
    .literal(value, { error: () => `must be ${value}, because ${reason}` })
    .optional()
    .describe(`accepted when it is ${value}`);
}

const parameters = {
  max_new_tokens: z
    .int()
    .min(1)
    .optional()
    .describe("how many tokens are generated at most; by default as many as the manifest says"),
  ...samplingParameters,
  stop: stopStrings
    .optional()
    .describe("texts that end the generation; the one that is found is the end of the result"),
  return_full_text: z.boolean().default(true).describe("whether the result begins with the prompt"),
  ...tokenDetailParameters,
  best_of: onlyNeutral(1, "one text is generated"),
  prompt_details: z
    .boolean()
    .default(false)
    .describe("whether the tokens of the prompt are returned, without their probabilities"),
  decoder_input_details: z
    .boolean()
    .default(false)
    .describe(
      "the same with their probabilities: the prompt is read token by token, which takes longer",
    ),
  raw_logprobs: z
    .boolean()
    .default(false)
    .describe(
      "whether probabilities of generated tokens are the model's own, and not those by which they were chosen, after temperature, penalties and filters",
    ),
  grammar: grammarSchema
    .optional()
    .describe("what the text is held to: JSON by a schema, or a regular expression"),
  watermark: onlyNeutral(false, "texts are not marked"),
};

/** The names of the cache's tensors, in the order of layers, keys before values. */
export function cacheNames({ layers }: Pick<CacheBlock, "layers">, pattern: string): string[] {
  return Array.from({ length: layers }, (_, layer) =>
    CACHE_KINDS.map((kind) =>
      pattern.replaceAll("{layer}", String(layer)).replaceAll("{kind}", kind),
    ),
  ).flat();
}

/** The continuation of a text, token by token. Its parameters and results are those of Hugging Face's text generation. */
export const textGenerationBlock = {
  type: "text-generation",
  schema,
  parameters: z.strictObject(parameters),
  prediction,
  named: {
    GeneratedText: generatedText,
    GenerationDetails: generationDetails,
    GeneratedToken: generatedToken,
    PromptToken: promptToken,
  },
  generates: true,
  references: ({ logits, cache }) => ({
    inputs: cacheNames(cache, cache.past),
    outputs: [logits, ...cacheNames(cache, cache.present)],
  }),
  *problems(block, manifest) {
    yield* pairProblems("text-generation", manifest, "prompt");
    const logits = findSpec(manifest.outputs, block.logits);
    if (logits)
      yield* tensorProblems(["postprocess", "logits"], logits, {
        datatypes: ["FP32"],
        shapes: [["batch", "tokens", "vocabulary"]],
      });
    const { cache, eosTokenIds } = block;
    if (cache.independentTokens && cache.form !== "in-place")
      yield {
        path: ["postprocess", "cache", "independentTokens"],
        message: "is for a cache whose form is in-place",
      };
    yield* cacheProblems(["postprocess", "cache"], cache, manifest);
    const vocabulary = fixedSize(logits?.shape[2]);
    const foreign = eosTokenIds.find((id) => vocabulary !== undefined && id >= vocabulary);
    if (foreign !== undefined)
      yield {
        path: ["postprocess", "eosTokenIds"],
        message: `${foreign} is no token: the vocabulary has ${vocabulary}`,
      };
  },
} satisfies PostprocessDefinition<typeof schema>;

/**
 * Checks the tensors of a cache.
 * @param path of the cache's fields, of which `past` and `present` name the tensors
 * @param mayBeFixed whether their length may be a fixed one, as that of an encoder's outputs
 */
export function* cacheProblems(
  path: Problem["path"],
  cache: Pick<CacheBlock, "past" | "present" | "layers" | "heads" | "headSize" | "datatype">,
  { inputs, outputs }: ModelContext,
  mayBeFixed = false,
): Generator<Problem> {
  for (const side of ["past", "present"] as const)
    for (const name of cacheNames(cache, cache[side])) {
      const spec = findSpec(side === "past" ? inputs : outputs, name);
      if (!spec) continue;
      yield* tensorProblems([...path, side], spec, {
        datatypes: [cache.datatype],
        shapes: [["batch", cache.heads, "tokens", cache.headSize]],
      });
      if (!mayBeFixed) yield* lengthProblems([...path, side], name, fixedSize(spec.shape[2]));
    }
}

/** The cache is as long as the text. */
function* lengthProblems(
  path: Problem["path"],
  name: string,
  length: number | undefined,
): Generator<Problem> {
  if (length !== undefined)
    yield {
      path,
      message: `${JSON.stringify(name)} must have a dynamic third dimension; it has ${length}`,
    };
}

export type GenerationParameters = z.output<typeof textGenerationBlock.parameters>;
export type GeneratedText = z.output<typeof generatedText>;
export type GeneratedToken = z.output<typeof generatedToken>;
export type PromptToken = z.output<typeof promptToken>;

import * as z from "zod";
import { samplingParameters, stopStrings } from "../../domain/sampling-parameters.ts";

/** The most choices of a request, of all its prompts together: the limit of OpenAI's API for `n`. */
export const MAX_CHOICES = 128;

const WITHOUT_EFFECT = "Accepted, and without effect.";

/** The fields that completions and chat completions share. */
export const generationFields = {
  model: z
    .string()
    .describe("The name of a model whose task is text generation, or `name@version`."),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe(
      "0 takes the most probable token each time; other values divide the logits of tokens that are drawn. By default as the model's manifest says.",
    ),
  top_p: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("The fewest most probable tokens whose probabilities add up to it are kept."),
  n: z.int().min(1).max(MAX_CHOICES).default(1).describe("Choices, generated one after the other."),
  stop: z
    .union([stopStrings.element, stopStrings], "a text, or a list of up to 16 texts")
    .optional()
    .describe("Texts that end a choice; they are no part of it."),
  seed: z
    .int()
    .optional()
    .describe("The same texts again for the same request. Choice `i` has the seed `seed + i`."),
  logit_bias: samplingParameters.logit_bias,
  presence_penalty: samplingParameters.presence_penalty,
  frequency_penalty: samplingParameters.frequency_penalty,
  stream: z.boolean().default(false).describe("Whether the text is sent while it is generated."),
  stream_options: z
    .strictObject({
      include_usage: z
        .boolean()
        .default(false)
        .describe("Whether a last chunk without choices has the usage."),
      include_obfuscation: z.literal(false).optional().describe("Only false."),
    })
    .optional()
    .describe("Only with `stream`."),
  user: z.string().optional().describe(WITHOUT_EFFECT),
  metadata: z.record(z.string(), z.string()).optional().describe(WITHOUT_EFFECT),
};

export type GenerationFields = z.output<z.ZodObject<typeof generationFields>>;

/** The limit of a choice's tokens: the field that the request had, for messages. */
export interface TokenLimit {
  readonly field: string;
  readonly tokens: number | undefined;
}

/**
 * The parameters of the text-generation task for one choice.
 * @param topTokens how many of the most probable tokens are returned with each; `undefined` where no probabilities are
 */
export function toTaskParameters(
  fields: GenerationFields,
  { tokens }: TokenLimit,
  choice: number,
  topTokens: number | undefined,
): Readonly<Record<string, unknown>> {
  const { temperature, top_p, stop, seed } = fields;
  const hasLogprobs = topTokens !== undefined;
  const isGreedy = temperature === 0;
  const parameters = {
    max_new_tokens: tokens,
    do_sample: temperature === undefined ? undefined : !isGreedy,
    temperature: isGreedy ? undefined : temperature,
    top_p: isGreedy ? undefined : top_p,
    stop: typeof stop === "string" ? [stop] : stop,
    seed: seed === undefined ? undefined : seed + choice,
    logit_bias: fields.logit_bias,
    presence_penalty: fields.presence_penalty,
    frequency_penalty: fields.frequency_penalty,
    top_n_tokens: topTokens || undefined,
    // OpenAI's API has no parameter that changes the probabilities which it reports.
    raw_logprobs: hasLogprobs || undefined,
    return_full_text: false,
    details: true,
  };
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

/** The stop strings of a request. */
export function stopsOf({ stop = [] }: GenerationFields): readonly string[] {
  return typeof stop === "string" ? [stop] : stop;
}

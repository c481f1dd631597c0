import { ApiError } from "../../../domain/errors.ts";
import type { SamplingDefaults, SamplingParameters } from "../../../domain/sampling-parameters.ts";

/** How tokens are chosen: names as in transformers' GenerationConfig. */
export interface SamplingOptions {
  readonly doSample: boolean;
  readonly temperature: number;
  readonly topK: number | undefined;
  readonly topP: number | undefined;
  readonly minP: number | undefined;
  readonly typicalP: number | undefined;
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  /** 0 for no limit. */
  readonly noRepeatNgramSize: number;
  readonly badWordsIds: readonly (readonly number[])[];
  readonly logitBias: ReadonlyMap<number, number>;
  readonly minNewTokens: number;
  readonly eosTokenIds: readonly number[];
  readonly seed: number | undefined;
}

/** The parameters that only change draws, with the value at which each has no effect. */
const FILTERS = { temperature: 1, top_k: 0, top_p: 1, min_p: 0, typical_p: 1 } as const;

/**
 * The parameters of a request over the model's own values. As in Hugging Face's server, a parameter of the draw asks for
 * draws.
 * @throws ApiError `invalid_request` for parameters that would have no effect
 */
export function toSamplingOptions(
  parameters: SamplingParameters,
  defaults: SamplingDefaults,
): SamplingOptions {
  const filters = effectiveFilters(parameters);
  if (parameters.do_sample === false && filters.length > 0)
    throw withoutEffect(parameters, filters);
  const topK = parameters.top_k ?? defaults.topK;
  const topP = parameters.top_p ?? defaults.topP;
  const minP = parameters.min_p ?? defaults.minP;
  const typicalP = parameters.typical_p ?? defaults.typicalP;
  return {
    doSample: drawsTokens(parameters, defaults),
    temperature: parameters.temperature ?? defaults.temperature ?? 1,
    topK: topK === 0 ? undefined : topK,
    topP: topP === 1 ? undefined : topP,
    minP: minP === 0 ? undefined : minP,
    typicalP: typicalP === 1 ? undefined : typicalP,
    repetitionPenalty: parameters.repetition_penalty ?? defaults.repetitionPenalty ?? 1,
    presencePenalty: parameters.presence_penalty ?? 0,
    frequencyPenalty: parameters.frequency_penalty ?? 0,
    noRepeatNgramSize: parameters.no_repeat_ngram_size ?? defaults.noRepeatNgramSize ?? 0,
    badWordsIds: parameters.bad_words_ids ?? defaults.badWordsIds ?? [],
    logitBias: new Map(
      Object.entries(parameters.logit_bias ?? {}).map(([token, bias]) => [Number(token), bias]),
    ),
    minNewTokens: parameters.min_new_tokens ?? defaults.minNewTokens ?? 0,
    eosTokenIds: defaults.eosTokenIds,
    seed: parameters.seed,
  };
}

/** Whether tokens are drawn, and so, without a seed, the text is another one each time. */
export function drawsTokens(
  parameters: SamplingParameters,
  { doSample = false }: Pick<SamplingDefaults, "doSample">,
): boolean {
  return parameters.do_sample ?? (effectiveFilters(parameters).length > 0 || doSample);
}

function effectiveFilters(parameters: SamplingParameters): (keyof typeof FILTERS)[] {
  return (Object.keys(FILTERS) as (keyof typeof FILTERS)[]).filter(
    (name) => parameters[name] !== undefined && parameters[name] !== FILTERS[name],
  );
}

function withoutEffect(
  parameters: SamplingParameters,
  filters: readonly (keyof typeof FILTERS)[],
): ApiError {
  const sent = filters.map((name) => `${name} ${parameters[name]}`).join(", ");
  return new ApiError(
    "invalid_request",
    `"parameters" contradict one another: with do_sample false the most probable token is taken, and ${sent} would have no effect. Leave out do_sample, or the other${filters.length > 1 ? "s" : ""}.`,
    { details: { field: "do_sample", without: filters } },
  );
}

/** @throws ApiError `invalid_request` for a token of a parameter that the vocabulary does not have */
export function checkTokenIds(options: SamplingOptions, vocabularySize: number): void {
  const named = [
    ["logit_bias", [...options.logitBias.keys()]],
    ["bad_words_ids", options.badWordsIds.flat()],
  ] as const;
  for (const [field, ids] of named) {
    const id = ids.find((token) => token >= vocabularySize);
    if (id === undefined) continue;
    throw new ApiError(
      "invalid_request",
      `"parameters" are not valid for this model: ${field} has the token ${id}, and the ids of its ${vocabularySize} tokens are 0 to ${vocabularySize - 1}.`,
      { details: { field } },
    );
  }
}

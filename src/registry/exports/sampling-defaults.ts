import type { GenerationConfig } from "../../domain/export-config.ts";
import { type SamplingDefaults, samplingDefaults } from "../../domain/sampling-parameters.ts";

type Defaults = Omit<SamplingDefaults, "eosTokenIds">;

/** Fields that change what is generated, and that no block has; with the values at which each has no effect. */
const NOT_SUPPORTED: Readonly<Record<string, readonly unknown[]>> = {
  num_beams: [1],
  num_beam_groups: [1],
  penalty_alpha: [0],
  diversity_penalty: [0],
  encoder_repetition_penalty: [1],
  epsilon_cutoff: [0],
  eta_cutoff: [0],
  begin_suppress_tokens: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  exponential_decay_length_penalty: [],
  sequence_bias: [],
  guidance_scale: [1],
};
/** What transformers draws from when generation_config.json does not say it. */
const TOP_K = 50;

/**
 * The model's own values of sampling, of its generation_config.json.
 * @param honoured other fields that the block has
 */
export function deriveSampling(
  config: GenerationConfig,
  honoured: readonly string[] = [],
): {
  readonly sampling: Defaults;
  readonly notes: readonly string[];
} {
  const { suppress_tokens: suppressed = [], bad_words_ids: badWords = [] } = config;
  const banned = [...badWords, ...suppressed.map((token) => [token])];
  const isDrawn = config.do_sample === true;
  const given: Defaults = {
    doSample: config.do_sample,
    temperature: config.temperature,
    topK: config.top_k ?? (isDrawn ? TOP_K : undefined),
    topP: config.top_p,
    minP: config.min_p,
    typicalP: config.typical_p,
    repetitionPenalty: config.repetition_penalty,
    noRepeatNgramSize: config.no_repeat_ngram_size,
    badWordsIds: banned.length > 0 ? banned : undefined,
  };
  const notes: string[] = [];
  const sampling: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const { success } = samplingDefaults[name as keyof Defaults].safeParse(value);
    if (success) sampling[name] = value;
    else
      notes.push(
        `${name} ${JSON.stringify(value)} of generation_config.json is left out: it is outside the limits of this service`,
      );
  }
  const ignored = Object.entries(NOT_SUPPORTED).flatMap(([name, neutral]) => {
    const value = (config as Readonly<Record<string, unknown>>)[name];
    if (honoured.includes(name)) return [];
    return value === undefined || value === null || neutral.includes(value) ? [] : [name];
  });
  if (ignored.length > 0)
    notes.push(
      `${ignored.join(", ")} of generation_config.json ${ignored.length > 1 ? "are" : "is"} not supported, and left out`,
    );
  if (isDrawn && config.top_k === undefined)
    notes.push(`topK ${TOP_K}, as transformers draws by default`);
  return { sampling: sampling as Defaults, notes };
}

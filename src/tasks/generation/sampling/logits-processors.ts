import { createBadWords, createMinNewTokens, createNoRepeatNgram } from "./banned-tokens.ts";
import type { LogitsProcessor } from "./logits-processor.ts";
import { createCountPenalties, createLogitBias, createRepetitionPenalty } from "./penalties.ts";
import type { SamplingOptions } from "./sampling-options.ts";

/** What changes logits before a token is chosen, in the order of transformers. */
export function createLogitsProcessors(options: SamplingOptions): LogitsProcessor[] {
  const { presencePenalty, frequencyPenalty, noRepeatNgramSize, eosTokenIds } = options;
  const processors: LogitsProcessor[] = [];
  if (options.logitBias.size > 0) processors.push(createLogitBias(options.logitBias));
  if (options.repetitionPenalty !== 1)
    processors.push(createRepetitionPenalty(options.repetitionPenalty));
  if (presencePenalty !== 0 || frequencyPenalty !== 0)
    processors.push(createCountPenalties(presencePenalty, frequencyPenalty));
  if (noRepeatNgramSize > 0) processors.push(createNoRepeatNgram(noRepeatNgramSize));
  if (options.badWordsIds.length > 0)
    processors.push(createBadWords(options.badWordsIds, eosTokenIds));
  if (options.minNewTokens > 0)
    processors.push(createMinNewTokens(options.minNewTokens, eosTokenIds));
  return processors;
}

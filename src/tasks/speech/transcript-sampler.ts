import type { SpeechRecognitionBlock } from "../../domain/blocks/postprocess/speech-recognition.ts";
import type { Random } from "../../shared/random.ts";
import { expOfNegative } from "../generation/sampling/exp-of-negative.ts";
import type { LogitsProcessor } from "../generation/sampling/logits-processor.ts";
import { createSampler, type Sampler } from "../generation/sampling/sampler.ts";
import type { SamplingOptions } from "../generation/sampling/sampling-options.ts";
import {
  createSuppressedBeginnings,
  createSuppressedTokens,
  createTimestampRules,
} from "./token-rules.ts";

/** What a block says of tokens. */
export type TokenBlock = Pick<
  SpeechRecognitionBlock,
  | "eosTokenIds"
  | "noTimestampsTokenId"
  | "firstTimestampTokenId"
  | "maxInitialTimestampIndex"
  | "noSpeechTokenId"
  | "suppressTokenIds"
  | "beginSuppressTokenIds"
>;

/** Chooses the tokens of one window, by Whisper's rules, and measures how sure they are. */
export interface TranscriptSampler extends Sampler {
  /** The probability that the window has no speech; 0 where the model does not say it. */
  readonly noSpeech: number;
  /**
   * The mean logarithm of the tokens' probabilities, at temperature 1, the one that ends the text included; 0 without tokens.
   */
  readonly meanLogprob: number;
}

/** @param random of draws */
export function createTranscriptSampler(
  block: TokenBlock,
  options: SamplingOptions,
  random: Random,
): TranscriptSampler {
  const { noSpeechTokenId, eosTokenIds } = block;
  const rules: LogitsProcessor[] = [
    createSuppressedBeginnings(block.beginSuppressTokenIds),
    createSuppressedTokens(block.suppressTokenIds),
    createTimestampRules({
      first: block.firstTimestampTokenId,
      none: block.noTimestampsTokenId,
      endOfText: eosTokenIds[0] as number,
      maxInitial: block.maxInitialTimestampIndex,
    }),
  ];
  /** Those that the last token was chosen from. */
  let chosenFrom: Float32Array | undefined;
  rules.push((logits) => {
    chosenFrom = logits;
  });
  const sampler = createSampler(options, random, rules);
  let noSpeech = 0;
  let sum = 0;
  let count = 0;
  return {
    get noSpeech() {
      return noSpeech;
    },
    get meanLogprob() {
      return count === 0 ? 0 : sum / count;
    },
    next(logits, history) {
      if (history.generated.length === 0 && noSpeechTokenId !== undefined)
        noSpeech = Math.exp(logprobOf(logits, noSpeechTokenId));
      const sampled = sampler.next(logits, history);
      sum += logprobOf(chosenFrom ?? logits, sampled.token);
      count += 1;
      return sampled;
    },
  };
}

function logprobOf(logits: Float32Array, token: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < logits.length; at++) {
    const logit = logits[at] as number;
    if (logit > max) max = logit;
  }
  let sum = 0;
  for (let at = 0; at < logits.length; at++) sum += expOfNegative(max - (logits[at] as number));
  return (logits[token] ?? Number.NEGATIVE_INFINITY) - max - Math.log(sum);
}

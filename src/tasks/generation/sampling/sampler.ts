import { ApiError } from "../../../domain/errors.ts";
import { createEntropyRandom, createSeededRandom, type Random } from "../../../shared/random.ts";
import { Candidates } from "./candidates.ts";
import { expOfNegative } from "./exp-of-negative.ts";
import { kthLargest } from "./kth-largest.ts";
import type { LogitsProcessor } from "./logits-processor.ts";
import { createLogitsProcessors } from "./logits-processors.ts";
import { checkTokenIds, type SamplingOptions } from "./sampling-options.ts";
import type { TokenHistory } from "./token-history.ts";

/** Chooses the tokens of one text. */
export interface Sampler {
  /**
   * @param logits of the last position, as many as the vocabulary has tokens; they are copied
   * @throws ApiError `invalid_request` if the options leave no token or name an unknown one, `inference_failed` if the
   * logits are no numbers
   */
  next(logits: Float32Array, history: TokenHistory): Sampled;
}

/** A token. Its probabilities are computed when they are read, which must be before the sampler's next token. */
export interface Sampled {
  readonly token: number;
  /** The natural logarithm of its probability among the tokens that it was chosen from. */
  readonly logprob: number;
  /** The same of the model's own logits. */
  readonly rawLogprob: number;
  /** The most probable of the tokens that it was chosen from; fewer than `count` if there were fewer. */
  top(count: number): readonly TokenLogprob[];
  /** The most probable tokens by the model's own logits. */
  rawTop(count: number): readonly TokenLogprob[];
}

export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

/**
 * Applies what transformers applies, in its order. It keeps 4 to 33 bytes for each token of the vocabulary.
 * @param random seeded if the options have a seed
 * @param last processors that are applied after those of the options, before draws
 */
export function createSampler(
  options: SamplingOptions,
  random?: Random,
  last: readonly LogitsProcessor[] = [],
): Sampler {
  const processors = [...createLogitsProcessors(options), ...last];
  const draw = options.doSample ? (random ?? createRandom(options.seed)) : undefined;
  let raw = new Float32Array();
  let processed = raw;
  /** None until they are needed. */
  let candidates: Candidates | undefined;
  let heap = new Float32Array();
  let position = 0;

  const allocate = (vocabularySize: number): void => {
    checkTokenIds(options, vocabularySize);
    raw = new Float32Array(vocabularySize);
    processed = processors.length > 0 ? new Float32Array(vocabularySize) : raw;
    candidates = undefined;
    if (options.topK !== undefined) heap = new Float32Array(Math.min(options.topK, vocabularySize));
  };

  /** The logit of the last token that top_k keeps; those equal to it are kept as well. */
  const smallestOfTop = (logits: Float32Array): number | undefined => {
    if (options.topK === undefined || options.topK >= logits.length) return undefined;
    const smallest = kthLargest(logits, options.topK, heap);
    return smallest === Number.NEGATIVE_INFINITY ? undefined : smallest;
  };

  return {
    next(logits, history) {
      if (raw.length !== logits.length) allocate(logits.length);
      raw.set(logits);
      if (processed !== raw) {
        processed.set(logits);
        for (const process of processors) process(processed, history, raw);
      }
      const best = findBest(processed);
      const max = processed[best] as number;
      if (max === Number.NEGATIVE_INFINITY) throw noTokenLeft(raw);
      const current = ++position;
      const checkPosition = (): void => {
        if (position !== current) throw new Error("A later token was sampled already.");
      };
      let chosenFrom: Candidates | undefined;
      const load = (temperature: number, min?: number): Candidates => {
        candidates ??= new Candidates(raw.length);
        candidates.load(processed, max, temperature, min);
        return candidates;
      };
      let token = best;
      if (draw) {
        chosenFrom = load(options.temperature, smallestOfTop(processed));
        filter(chosenFrom, options);
        token = chosenFrom.draw(draw());
      }
      return {
        token,
        get logprob() {
          checkPosition();
          return chosenFrom ? chosenFrom.logprob(token) : logprobOf(processed, max, token);
        },
        get rawLogprob() {
          checkPosition();
          return rawLogprobOf(raw, token);
        },
        top(count) {
          checkPosition();
          chosenFrom ??= load(1);
          return chosenFrom.top(count);
        },
        rawTop(count) {
          checkPosition();
          return mostProbable(raw, count);
        },
      };
    },
  };
}

/** The logarithm of a token's probability by the model's own logits. @throws ApiError `inference_failed` for NaN and infinity */
export function rawLogprobOf(logits: Float32Array, token: number): number {
  return logprobOf(logits, logits[findBest(logits)] as number, token);
}

/** The most probable tokens by the model's own logits. @throws ApiError `inference_failed` for NaN and infinity */
export function mostProbable(logits: Float32Array, count: number): readonly TokenLogprob[] {
  const max = logits[findBest(logits)] as number;
  const candidates = new Candidates(logits.length);
  candidates.load(logits, max, 1);
  const logSum = logSumOf(logits, max);
  return candidates.top(count).map(({ token }) => ({
    token,
    logprob: (logits[token] as number) - max - logSum,
  }));
}

function createRandom(seed: number | undefined): Random {
  return seed === undefined ? createEntropyRandom() : createSeededRandom(seed);
}

function filter(candidates: Candidates, { topP, minP, typicalP }: SamplingOptions): void {
  if (topP !== undefined) candidates.keepTopP(topP);
  if (minP !== undefined) candidates.keepMinP(minP);
  if (typicalP !== undefined) candidates.keepTypical(typicalP);
}

/** The token of the largest logit, the first of equal ones. @throws ApiError `inference_failed` for NaN and +infinity */
export function findBest(logits: Float32Array): number {
  let best = 0;
  let max = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token] as number;
    if (logit > max) {
      max = logit;
      best = token;
    } else if (Number.isNaN(logit)) throw notLogits(logit);
  }
  if (max === Number.POSITIVE_INFINITY) throw notLogits(max);
  return best;
}

function logprobOf(logits: Float32Array, max: number, token: number): number {
  return (logits[token] as number) - max - logSumOf(logits, max);
}

/** The logarithm of the sum of all probabilities, that of the largest logit taken as 1. */
function logSumOf(logits: Float32Array, max: number): number {
  let sum = 0;
  for (let at = 0; at < logits.length; at++) sum += expOfNegative(max - (logits[at] as number));
  return Math.log(sum);
}

function notLogits(value: number): ApiError {
  return new ApiError(
    "inference_failed",
    `The model returned ${value} as a logit, of which no probability can be computed: the input is outside what it can compute.`,
  );
}

export function noTokenLeft(raw: Float32Array): ApiError {
  if ((raw[findBest(raw)] as number) === Number.NEGATIVE_INFINITY)
    return notLogits(Number.NEGATIVE_INFINITY);
  return new ApiError(
    "invalid_request",
    '"parameters" leave no token to go on with: bad_words_ids, no_repeat_ngram_size and min_new_tokens exclude each token of the vocabulary.',
    { details: { field: "bad_words_ids" } },
  );
}

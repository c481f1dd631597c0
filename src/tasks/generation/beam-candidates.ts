import { findBest, noTokenLeft } from "./sampling/sampler.ts";

/** A token that may continue one of several texts. */
export interface BeamCandidate {
  /** Which text. */
  readonly beam: number;
  readonly token: number;
  /** The natural logarithm of the token's probability, as the processors have changed it. */
  readonly logprob: number;
  /** The sum of those of all tokens of the text. */
  readonly score: number;
}

/** The best candidates until now, in the order of their scores; of equal ones the first. */
export class BeamCandidates {
  readonly #count: number;
  readonly #best: BeamCandidate[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  /** @param textScore the score of the text that the tokens may continue */
  add(beam: number, logprobs: Float32Array, textScore: number): void {
    const best = this.#best;
    for (let token = 0; token < logprobs.length; token++) {
      const logprob = logprobs[token] as number;
      const score = Math.fround(logprob + textScore);
      const isFull = best.length >= this.#count;
      if (isFull && !(score > (best.at(-1) as BeamCandidate).score)) continue;
      let at = best.length;
      while (at > 0 && score > (best[at - 1] as BeamCandidate).score) at--;
      best.splice(at, 0, { beam, token, logprob, score });
      if (isFull) best.pop();
    }
  }

  get best(): readonly BeamCandidate[] {
    return this.#best;
  }
}

/**
 * The natural logarithms of the probabilities, in FP32 as in transformers.
 * @throws ApiError `inference_failed` for logits that are no numbers
 */
export function toLogprobs(logits: Float32Array): Float32Array<ArrayBuffer> {
  const max = logits[findBest(logits)] as number;
  if (max === Number.NEGATIVE_INFINITY) throw noTokenLeft(logits);
  let sum = 0;
  for (let token = 0; token < logits.length; token++)
    sum += Math.exp((logits[token] as number) - max);
  const shift = Math.log(sum);
  return Float32Array.from(logits, (logit) => logit - max - shift);
}

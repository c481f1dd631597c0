import type { LogitsProcessor } from "./sampling/logits-processor.ts";
import { findBest, noTokenLeft } from "./sampling/sampler.ts";
import type { TokenHistory } from "./sampling/token-history.ts";

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

/** The best candidates until now, in the order of their scores; of equal ones the first. No others are kept. */
export class BeamCandidates {
  readonly #count: number;
  readonly #processors: readonly LogitsProcessor[];
  #best: BeamCandidate[] = [];
  #logprobs = new Float32Array();

  /** @param processors applied to the logarithms of the probabilities of each text's next token */
  constructor(count: number, processors: readonly LogitsProcessor[]) {
    this.#count = count;
    this.#processors = processors;
  }

  /**
   * Adds the tokens that may continue a text.
   * @param logits of the token that follows it
   * @param textScore of the text
   * @throws ApiError `inference_failed` for logits that are no numbers
   */
  add(beam: number, logits: Float32Array, history: TokenHistory, textScore: number): void {
    if (this.#logprobs.length !== logits.length) this.#logprobs = new Float32Array(logits.length);
    const logprobs = this.#logprobs;
    computeLogprobs(logits, logprobs);
    for (const process of this.#processors) process(logprobs, history);
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

  /** Whether there are as many as are kept, all of them possible. */
  get isFull(): boolean {
    const last = this.#best[this.#count - 1];
    return last !== undefined && last.score > Number.NEGATIVE_INFINITY;
  }

  /**
   * The candidates of all texts, and none from then on.
   * @throws ApiError `invalid_request` when the processors leave no token
   */
  take(): readonly BeamCandidate[] {
    const best = this.#best;
    this.#best = [];
    if (!best.some(({ score }) => score > Number.NEGATIVE_INFINITY))
      throw noTokenLeft(new Float32Array(1));
    return best;
  }
}

/** The natural logarithms of the probabilities, in FP32 as in transformers. */
function computeLogprobs(logits: Float32Array, logprobs: Float32Array): void {
  const max = logits[findBest(logits)] as number;
  if (max === Number.NEGATIVE_INFINITY) throw noTokenLeft(logits);
  let sum = 0;
  for (let token = 0; token < logits.length; token++)
    sum += Math.exp((logits[token] as number) - max);
  const shift = max + Math.log(sum);
  for (let token = 0; token < logits.length; token++)
    logprobs[token] = (logits[token] as number) - shift;
}

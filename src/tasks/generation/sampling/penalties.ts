import type { LogitsProcessor } from "./logits-processor.ts";

/** Adds to the logits of some tokens. */
export function createLogitBias(bias: ReadonlyMap<number, number>): LogitsProcessor {
  return (logits) => {
    for (const [token, value] of bias) logits[token] = (logits[token] as number) + value;
  };
}

/**
 * Divides positive logits by the penalty and multiplies negative ones with it, once for each distinct token of the
 * prompt and the generated text (Keskar et al. 2019, section 4.1, with the sign rule of transformers).
 */
export function createRepetitionPenalty(penalty: number): LogitsProcessor {
  let seen = new Uint8Array();
  return (logits, { prompt, generated }) => {
    if (seen.length !== logits.length) seen = new Uint8Array(logits.length);
    for (const tokens of [prompt, generated])
      for (const token of tokens) {
        if (seen[token] !== 0) continue;
        seen[token] = 1;
        const logit = logits[token] as number;
        logits[token] = logit < 0 ? logit * penalty : logit / penalty;
      }
    for (const tokens of [prompt, generated]) for (const token of tokens) seen[token] = 0;
  };
}

/**
 * OpenAI's definition: subtracts `count * frequency + presence` from each token that was generated, `count` times;
 * the prompt does not count.
 */
export function createCountPenalties(presence: number, frequency: number): LogitsProcessor {
  let counts = new Int32Array();
  return (logits, { generated }) => {
    if (counts.length !== logits.length) counts = new Int32Array(logits.length);
    for (const token of generated) counts[token] = (counts[token] as number) + 1;
    for (const token of generated) {
      const count = counts[token] as number;
      if (count === 0) continue;
      counts[token] = 0;
      logits[token] = (logits[token] as number) - (count * frequency + presence);
    }
  };
}

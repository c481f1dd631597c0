import type { FoundText } from "./beam-search.ts";
import type { DecodedText } from "./decoder.ts";
import type { Sampler } from "./sampling/sampler.ts";

const NO_LOGITS = new Float32Array();

/** A text that nothing is computed for: its tokens are known, and {@link replay} returns them. */
export const KNOWN_TEXT: DecodedText = {
  laterRunTokens: undefined,
  read: () => undefined,
  next: () => NO_LOGITS,
};

function noOtherTokens(): never {
  throw new Error("beam search keeps no other tokens");
}

/** Returns the tokens of a text that was found, one after the other. */
export function replay({ tokens, logprobs }: FoundText): Sampler {
  return {
    next(_logits, { generated }) {
      const index = generated.length;
      const token = tokens[index];
      const logprob = logprobs[index];
      if (token === undefined || logprob === undefined) throw new Error("the text has ended");
      return {
        token,
        logprob,
        rawLogprob: logprob,
        top: noOtherTokens,
        rawTop: noOtherTokens,
      };
    },
  };
}

import type { SpeechRecognitionBlock } from "../../domain/blocks/postprocess/speech-recognition.ts";
import { ApiError } from "../../domain/errors.ts";
import { specialTokens } from "../text/special-tokens.ts";
import { createTokenizer, type Tokenizer } from "../text/tokenizer.ts";
import type { Steps } from "../text/word-model.ts";

/** The tokens of a request's `prompt`, of which the last ones are read. */
export type EncodePrevious = (text: string) => Steps<readonly number[]>;

/**
 * @param tokenizerJson of which a tokenizer is made when a request has a prompt: its vocabulary takes megabytes
 */
export function createPreviousText(
  { previousTextTokenId, decoder }: SpeechRecognitionBlock,
  tokenizerJson: Uint8Array,
): EncodePrevious {
  let tokenizer: Tokenizer | undefined;
  let specials: ReadonlyMap<number, string>;
  return function* (text) {
    if (text.trim() === "") return [];
    if (previousTextTokenId === undefined)
      throw new ApiError(
        "invalid_request",
        '"prompt" is not supported: the model has no token for the text before a recording.',
        { details: { field: "prompt" } },
      );
    if (!tokenizer) {
      tokenizer = createTokenizer(tokenizerJson);
      specials = specialTokens(tokenizerJson);
    }
    const { ids, leading, length } = yield* tokenizer.encode(` ${text.trim()}`, "prompt", {
      maxLength: Number.POSITIVE_INFINITY,
      truncation: "start",
    });
    const own = ids.slice(leading, leading + length);
    if (own.some((id) => specials.has(id)))
      throw new ApiError(
        "invalid_request",
        '"prompt" contains a special token of the model, such as <|endoftext|>: send text alone.',
        { details: { field: "prompt" } },
      );
    // Half of the context is for the text of the recording, as in OpenAI's implementation.
    return own.slice(-(Math.floor(decoder.context / 2) - 1));
  };
}

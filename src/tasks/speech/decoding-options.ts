import type {
  SpeechRecognitionBlock,
  SpeechRecognitionParameters,
} from "../../domain/blocks/postprocess/speech-recognition.ts";
import { ApiError } from "../../domain/errors.ts";
import { createSeededRandom } from "../../shared/random.ts";
import { checkTokenIds, toSamplingOptions } from "../generation/sampling/sampling-options.ts";
import type { DecodingOptions } from "./decode-window.ts";

/** Without a seed, draws are the same for each request as well. */
const DEFAULT_SEED = 0;

/**
 * How the texts of a request are generated. A temperature, or another parameter of draws, is used for all of its windows; without
 * one, the temperatures of the model are tried.
 * @param promptIds of the text that precedes the recording
 * @param vocabularySize where the model declares it
 * @throws ApiError `invalid_request` for parameters that contradict one another, or the model's context
 */
export function toDecodingOptions(
  block: SpeechRecognitionBlock,
  { generation_parameters = {} }: SpeechRecognitionParameters,
  promptIds: readonly number[],
  vocabularySize: number | undefined,
): DecodingOptions {
  const { startTokenIds, previousTextTokenId, decoder, temperatures } = block;
  const previous =
    previousTextTokenId === undefined || promptIds.length === 0
      ? []
      : [previousTextTokenId, ...promptIds];
  const prompt = [...previous, ...startTokenIds];
  const room = decoder.context - prompt.length;
  const { max_length: maxLength, min_length: minLength = 0 } = generation_parameters;
  const {
    max_new_tokens: wanted = maxLength === undefined ? undefined : maxLength - prompt.length,
    min_new_tokens: least = Math.max(0, minLength - prompt.length),
  } = generation_parameters;
  if (wanted !== undefined && wanted < 1)
    throw new ApiError(
      "invalid_request",
      `"max_length" is ${maxLength}, and the tokens before the text are ${prompt.length}.`,
    );
  const sampling = toSamplingOptions({ ...generation_parameters, min_new_tokens: least }, block);
  if (vocabularySize !== undefined) checkTokenIds(sampling, vocabularySize);
  if (wanted !== undefined && wanted > room)
    throw new ApiError(
      "invalid_request",
      `"max_new_tokens" is ${wanted}, and the model's context has room for ${room} tokens after the ${decoder.context - room} of the prompt.`,
      { details: { maxNewTokens: wanted, room } },
    );
  const maxNewTokens = wanted ?? Math.min(block.maxNewTokens, room);
  if (sampling.minNewTokens > maxNewTokens)
    throw new ApiError(
      "invalid_request",
      `"min_new_tokens" is ${sampling.minNewTokens}, and ${maxNewTokens} tokens are generated at most.`,
    );
  const isChosen = sampling.doSample || generation_parameters.do_sample === false;
  return {
    prompt,
    maxNewTokens,
    temperatures: isChosen ? [sampling.doSample ? sampling.temperature : 0] : temperatures,
    sampling,
    random: createSeededRandom(sampling.seed ?? DEFAULT_SEED),
  };
}

import * as z from "zod";
import { withoutNulls } from "../../domain/absent-nulls.ts";
import {
  type TextToTextBlock,
  type TextToTextParameters,
  textToTextParameters,
} from "../../domain/blocks/postprocess/text-to-text.ts";
import { sourceTextBlock } from "../../domain/blocks/preprocess/source-text.ts";
import { ApiError } from "../../domain/errors.ts";
import { parseParameters } from "../parameters.ts";
import type { EarlyStopping } from "./beam-search.ts";
import { type SamplingOptions, toSamplingOptions } from "./sampling/sampling-options.ts";

/** How a result is written: parameters of the request over the model's own values. */
export interface TextToTextOptions {
  readonly sampling: SamplingOptions;
  readonly maxNewTokens: number;
  /** 1 for none but the most probable token, or a drawn one. */
  readonly numBeams: number;
  readonly lengthPenalty: number;
  readonly earlyStopping: EarlyStopping;
  /** How many texts are returned. */
  readonly texts: number;
}

export const TEXT_TO_TEXT_PARAMETERS = z.strictObject({
  ...sourceTextBlock.parameters.shape,
  ...textToTextParameters.shape,
});
export type TaskParameters = z.output<typeof TEXT_TO_TEXT_PARAMETERS>;

/**
 * The parameters of a request, those within `generate_parameters` beside the others.
 * @throws ApiError `invalid_request` for parameters that are not valid, and for one that is sent in both places
 */
export function parseTextToTextParameters(
  parameters: Readonly<Record<string, unknown>>,
): TaskParameters {
  const sent = withoutNulls(TEXT_TO_TEXT_PARAMETERS, parameters) as typeof parameters;
  const parsed = parseParameters(TEXT_TO_TEXT_PARAMETERS, sent);
  const { generate_parameters: nested = {}, ...others } = parsed;
  for (const field of Object.keys(nested))
    if (field in others)
      throw new ApiError(
        "invalid_request",
        `"${field}" is sent twice: as a parameter, and in "generate_parameters".`,
        { details: { field } },
      );
  return { ...others, ...nested };
}

/** @throws ApiError `invalid_request` for parameters that contradict one another, or that the context has no room for */
export function toTextToTextOptions(
  parameters: TextToTextParameters,
  block: TextToTextBlock,
): TextToTextOptions {
  const maxNewTokens = toMaxNewTokens(parameters, block);
  const sampling = withMinLength(parameters, block, maxNewTokens);
  const numBeams = parameters.num_beams ?? (sampling.doSample ? 1 : (block.numBeams ?? 1));
  const texts = parameters.num_return_sequences ?? 1;
  if (numBeams > 1) refuseWithBeams(parameters, sampling);
  if (numBeams === 1) refuseWithoutBeams(parameters);
  if (texts > numBeams)
    throw new ApiError(
      "invalid_request",
      `"num_return_sequences" is ${texts}, and beam search with "num_beams" ${numBeams} finds ${numBeams}.`,
      { details: { field: "num_return_sequences" } },
    );
  return {
    sampling,
    maxNewTokens,
    numBeams,
    lengthPenalty: parameters.length_penalty ?? block.lengthPenalty ?? 1,
    earlyStopping: parameters.early_stopping ?? block.earlyStopping ?? false,
    texts,
  };
}

function toMaxNewTokens(
  { max_new_tokens: most, max_length: length }: TextToTextParameters,
  { startTokenIds, decoder, maxNewTokens }: TextToTextBlock,
): number {
  if (most !== undefined && length !== undefined)
    throw new ApiError(
      "invalid_request",
      `"max_new_tokens" is ${most} and "max_length" ${length}: send one of them.`,
      { details: { field: "max_length" } },
    );
  const start = startTokenIds.length;
  const room = decoder.context - start;
  const asked = most ?? (length === undefined ? undefined : length - start);
  const field = most === undefined ? "max_length" : "max_new_tokens";
  if (asked !== undefined && asked > room)
    throw new ApiError(
      "invalid_request",
      `"${field}" is ${most ?? length}, and the decoder's context has ${decoder.context} tokens, ${start} of which a result begins with: at most ${most === undefined ? decoder.context : room} are possible.`,
      { details: { field, context: decoder.context } },
    );
  if (asked !== undefined && asked < 1)
    throw new ApiError(
      "invalid_request",
      `"max_length" is ${length}, and counts the ${start} tokens that a result begins with: send ${start + 1} at least.`,
      { details: { field } },
    );
  return asked ?? Math.min(maxNewTokens, room);
}

function withMinLength(
  parameters: TextToTextParameters,
  block: TextToTextBlock,
  maxNewTokens: number,
): SamplingOptions {
  const { min_new_tokens: least, min_length: length } = parameters;
  if (least !== undefined && length !== undefined)
    throw new ApiError(
      "invalid_request",
      `"min_new_tokens" is ${least} and "min_length" ${length}: send one of them.`,
      { details: { field: "min_length" } },
    );
  const sampling = toSamplingOptions(parameters, block);
  const minNewTokens =
    length === undefined ? sampling.minNewTokens : Math.max(0, length - block.startTokenIds.length);
  const asked = least ?? length;
  if (asked !== undefined && minNewTokens > maxNewTokens)
    throw new ApiError(
      "invalid_request",
      `"${least === undefined ? "min_length" : "min_new_tokens"}" is ${asked}, and ${maxNewTokens} tokens are generated at most.`,
    );
  return { ...sampling, minNewTokens };
}

function refuseWithBeams(parameters: TextToTextParameters, { doSample }: SamplingOptions): void {
  const refuse = (field: string, why: string): never => {
    throw new ApiError("invalid_request", `"${field}" cannot be used with beam search, ${why}.`, {
      details: { field },
    });
  };
  if (doSample) refuse("do_sample", 'which draws nothing: send "num_beams": 1');
  if (parameters.stop?.length) refuse("stop", 'whose texts have no order: send "num_beams": 1');
  if (parameters.top_n_tokens)
    refuse("top_n_tokens", 'which chooses whole texts: send "num_beams": 1');
}

function refuseWithoutBeams(parameters: TextToTextParameters): void {
  for (const field of ["length_penalty", "early_stopping"] as const)
    if (parameters[field] !== undefined)
      throw new ApiError(
        "invalid_request",
        `"${field}" has an effect only on beam search: send "num_beams" of 2 at least.`,
        { details: { field } },
      );
}

import type { GenerationParameters } from "../../domain/blocks/postprocess/text-generation.ts";

/** What has an effect on details and on the parts of a stream alone. */
const DETAIL_PARAMETERS = [
  "top_n_tokens",
  "prompt_details",
  "decoder_input_details",
  "raw_logprobs",
] as const;

type DetailParameters = Pick<GenerationParameters, (typeof DETAIL_PARAMETERS)[number]>;

/** The first parameter that would have no effect without details. */
export function detailParameter(parameters: DetailParameters): string | undefined {
  return DETAIL_PARAMETERS.find((name) => parameters[name]);
}

import * as z from "zod";
import { FINISH_REASONS } from "../blocks/postprocess/text-generation.ts";
import { count } from "./fields.ts";

/** What a request generated, by the names of OpenTelemetry's conventions for generative AI where they have one. */
export const generationEventSchema = z
  .strictObject({
    "gen_ai.usage.input_tokens": count.describe(
      "Tokens of the prompts, special ones included; of a transcription those before each window's text.",
    ),
    "gen_ai.usage.cache_read.input_tokens": count
      .describe("Of the input tokens, those that were not read again.")
      .meta({ see: "tasks.md#prefix-caching" }),
    "gen_ai.usage.output_tokens": count.describe(
      "Tokens that were generated, those that end a text included.",
    ),
    audioSeconds: z
      .number()
      .min(0)
      .optional()
      .describe("Of the recordings that are transcribed; absent of other inputs."),
    "gen_ai.server.time_to_first_token": z
      .number()
      .min(0)
      .optional()
      .describe(
        "Seconds from the start of the request until the first token was there; absent when there was none.",
      ),
    tokensPerSecond: z
      .number()
      .optional()
      .describe("Of the tokens after the first one; absent when there was no other."),
    "gen_ai.response.finish_reasons": z
      .array(z.enum(FINISH_REASONS))
      .readonly()
      .optional()
      .describe(
        "A list of one, of the last text of the request; absent when it ended early, and `errorCode` says why.",
      ),
    aborted: z.boolean().describe("Whether the client left before the end."),
  })
  .readonly();

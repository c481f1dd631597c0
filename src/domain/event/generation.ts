import * as z from "zod";
import { FINISH_REASONS } from "../blocks/postprocess/text-generation.ts";
import { GEN_AI } from "../gen-ai.ts";
import { count } from "./fields.ts";

/** What a request generated, by the names of OpenTelemetry's conventions for generative AI where they have one. */
export const generationEventSchema = z
  .strictObject({
    [GEN_AI.inputTokens]: count.describe(
      "Tokens of the prompts, special ones included; of a transcription those before each window's text.",
    ),
    [GEN_AI.cachedTokens]: count
      .describe("Of the input tokens, those that were not read again.")
      .meta({ see: "blocks/generation.md#prefix-caching" }),
    [GEN_AI.outputTokens]: count.describe(
      "Tokens that were generated, those that end a text included.",
    ),
    audioSeconds: z
      .number()
      .min(0)
      .optional()
      .describe("Of the recordings that are transcribed; absent of other inputs."),
    [GEN_AI.timeToFirstToken]: z
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
    [GEN_AI.finishReasons]: z
      .array(z.enum(FINISH_REASONS))
      .readonly()
      .optional()
      .describe(
        "A list of one, of the last text of the request; absent when it ended early, and `errorCode` says why.",
      ),
    aborted: z.boolean().describe("Whether the client left before the end."),
  })
  .readonly();

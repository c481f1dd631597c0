import * as z from "zod";
import { AUDIO_INPUTS, AUDIO_MEDIA_TYPES } from "../audio-files.ts";
import type { PreprocessDefinition } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import {
  recurrentProblems,
  recurrentReferences,
  recurrentWindowFields,
} from "../recurrent-windows.ts";

const schema = z.strictObject({
  type: z.literal("audio-windows"),
  version,
  ...recurrentWindowFields,
  sampleRate: z
    .int()
    .min(1000)
    .max(384_000)
    .describe("The model's sample rate in Hz; audio is resampled to it, and channels averaged."),
  maxSeconds: z.number().min(0.01).max(3600).default(300).describe("Of audio in one request."),
});

export type AudioWindowsBlock = z.output<typeof schema>;

/** Audio as a sequence of windows for a recurrent model. */
export const audioWindowsBlock = {
  type: "audio-windows",
  schema,
  mediaTypes: AUDIO_MEDIA_TYPES,
  inputs: AUDIO_INPUTS,
  parameters: NO_PARAMETERS,
  references: (block) => recurrentReferences(block),
  *problems(block, manifest) {
    if (manifest.postprocess?.type !== "voice-activity")
      yield {
        path: ["postprocess", "type"],
        message: "must be voice-activity, which audio-windows needs",
      };
    if (manifest.cache.enabled)
      yield {
        path: ["cache", "enabled"],
        message: "must be false: predictions of a model that keeps state are not cached",
      };
    yield* recurrentProblems(["preprocess"], block, manifest);
  },
} satisfies PreprocessDefinition<typeof schema>;

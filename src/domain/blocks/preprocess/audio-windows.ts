import * as z from "zod";
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

/** The media types of WAV files. */
export const WAV_MEDIA_TYPES = [
  "audio/wav",
  "audio/x-wav",
  "audio/wave",
  "audio/vnd.wave",
] as const;

/** Audio as a sequence of windows for a recurrent model. */
export const audioWindowsBlock = {
  type: "audio-windows",
  schema,
  mediaTypes: WAV_MEDIA_TYPES,
  inputs: "a WAV file as base64 or a data URL, or a list of WAV files",
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

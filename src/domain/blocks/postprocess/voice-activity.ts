import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { findSpec, tensorProblems } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("voice-activity"),
  version,
  probabilities: z
    .string()
    .describe("The model's FP32 output, of shape [windows] or [windows, 1]: how likely speech is."),
  threshold: z
    .number()
    .min(0.01)
    .max(1)
    .default(0.5)
    .describe("The probability at which speech begins."),
  minSpeechMs: z.int().min(0).max(60_000).default(250).describe("Shorter speech is dropped."),
  minSilenceMs: z.int().min(0).max(60_000).default(100).describe("Shorter silence is speech."),
  speechPadMs: z.int().min(0).max(60_000).default(30).describe("Added to speech at both ends."),
});

export type VoiceActivityBlock = z.output<typeof schema>;

const milliseconds = z.int().min(0).max(60_000).optional();

const speechSegment = z.strictObject({ start: z.number(), end: z.number() });

const prediction = z
  .strictObject({
    speech: z
      .array(speechSegment)
      .describe("Segments of speech, in seconds since the stream began."),
    probabilities: z.array(z.number()).describe("Of speech, one for each window."),
    state: z
      .string()
      .optional()
      .describe("With `stream`: to be sent back unchanged with the next piece."),
  })
  .describe("Voice activity of a recording, or of a piece of a stream.");

/** Segments of speech in a recording. Its parameters are those of `get_speech_timestamps` of silero-vad, and two for streams. */
export const voiceActivityBlock = {
  type: "voice-activity",
  schema,
  parameters: z.strictObject({
    threshold: z
      .number()
      .min(0.01)
      .max(1)
      .optional()
      .describe("the probability at which speech begins"),
    neg_threshold: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe("the probability below which speech may end"),
    min_speech_duration_ms: milliseconds.describe("shorter speech is dropped"),
    min_silence_duration_ms: milliseconds.describe("shorter silence is speech"),
    speech_pad_ms: milliseconds.describe("added to speech at both ends"),
    stream: z.boolean().default(false).describe("whether more of the recording will follow"),
    state: z.string().optional().describe("the state of the prediction for the previous piece"),
  }),
  prediction,
  named: { SpeechSegment: speechSegment, VoiceActivity: prediction },
  references: ({ probabilities }) => ({ outputs: [probabilities] }),
  *problems(block, manifest) {
    if (manifest.preprocess?.type !== "audio-windows")
      yield {
        path: ["preprocess", "type"],
        message: "must be audio-windows, which voice-activity needs",
      };
    const spec = findSpec(manifest.outputs, block.probabilities);
    const shapes = [["windows"], ["windows", 1]];
    if (spec)
      yield* tensorProblems(["postprocess", "probabilities"], spec, {
        datatypes: ["FP32"],
        shapes,
      });
  },
} satisfies PostprocessDefinition<typeof schema>;

export type VoiceActivityPrediction = z.output<typeof prediction>;
export type VoiceActivityParameters = z.output<typeof voiceActivityBlock.parameters>;

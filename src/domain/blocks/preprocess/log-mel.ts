import * as z from "zod";
import { AUDIO_INPUTS, AUDIO_MEDIA_TYPES } from "../audio-files.ts";
import type { PreprocessDefinition, Problem } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import { ENCODER } from "../encoder-name.ts";
import { findSpec, fixedSize, tensorProblems } from "../tensor-checks.ts";

const seconds = z.number().min(0.1).max(60);

const schema = z
  .strictObject({
    type: z.literal("log-mel"),
    version,
    input: z
      .string()
      .describe("The FP32 input of the model `encoder`, of shape [batch, bins, frames]."),
    sampleRate: z
      .int()
      .min(1000)
      .max(384_000)
      .default(16_000)
      .describe("In Hz; audio is resampled to it, and channels averaged."),
    frameSamples: z.int().min(2).max(4096).default(400).describe("Samples of a frame."),
    hopSamples: z.int().min(1).max(4096).default(160).describe("From one frame to the next one."),
    bins: z.int().min(1).max(256).default(80).describe("Mel bins."),
    windowSeconds: seconds.describe(
      "The longest window that the model reads, with the silence after its speech.",
    ),
    minWindowSeconds: seconds
      .default(6)
      .describe("The shortest one; silence is added to shorter ones."),
    silenceSeconds: z
      .number()
      .min(0)
      .max(30)
      .default(2)
      .describe("Silence after the speech of a window, by which models know that it has ended."),
    maxSeconds: z.number().min(0.01).max(14_400).default(600).describe("Of audio in one request."),
  })
  .describe(
    "The features of Whisper: powers of a Hann window's frames in Slaney's mel bins, logarithms within 8 of the window's largest, plus 4, divided by 4.",
  );

export type LogMelBlock = z.output<typeof schema>;

/** A recording as windows of speech, and these as log-mel spectrograms. */
export const logMelBlock = {
  type: "log-mel",
  schema,
  mediaTypes: AUDIO_MEDIA_TYPES,
  inputs: AUDIO_INPUTS,
  parameters: NO_PARAMETERS,
  references: ({ input }) => ({ models: { [ENCODER]: { inputs: [input] } } }),
  *problems(block, manifest) {
    if (manifest.postprocess?.type !== "speech-recognition")
      yield {
        path: ["postprocess", "type"],
        message: "must be speech-recognition, which log-mel needs",
      };
    const spec = findSpec(manifest.models?.[ENCODER]?.inputs ?? [], block.input);
    if (spec) {
      const path = ["preprocess", "input"];
      const shapes = [["batch", block.bins, "frames"]];
      yield* tensorProblems(path, spec, { datatypes: ["FP32"], shapes });
      yield* frameProblems(block, fixedSize(spec.shape[2]));
    }
    yield* windowProblems(block);
  },
} satisfies PreprocessDefinition<typeof schema>;

function* frameProblems(
  { windowSeconds, minWindowSeconds, sampleRate, hopSamples }: LogMelBlock,
  frames: number | undefined,
): Generator<Problem> {
  if (frames === undefined) return;
  const expected = (frames * hopSamples) / sampleRate;
  for (const [field, value] of Object.entries({ windowSeconds, minWindowSeconds }))
    if (value !== expected)
      yield {
        path: ["preprocess", field],
        message: `must be ${expected}: the input takes ${frames} frames`,
      };
}

function* windowProblems(block: LogMelBlock): Generator<Problem> {
  const { windowSeconds, minWindowSeconds, silenceSeconds } = block;
  if (minWindowSeconds > windowSeconds)
    yield {
      path: ["preprocess", "minWindowSeconds"],
      message: `must not be above windowSeconds, which is ${windowSeconds}`,
    };
  if (silenceSeconds > windowSeconds / 2)
    yield {
      path: ["preprocess", "silenceSeconds"],
      message: `must not be above half of windowSeconds, which is ${windowSeconds}`,
    };
  if (block.frameSamples / 2 >= minWindowSeconds * block.sampleRate)
    yield {
      path: ["preprocess", "frameSamples"],
      message: "must be shorter than a window",
    };
}

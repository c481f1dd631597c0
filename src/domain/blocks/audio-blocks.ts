import { z } from "zod";
import { blockVersion as version } from "./block-fields.ts";

/** The blocks of manifests for sounds; `docs/tasks.md` says what each computes. */

export const audioWindowsSchema = z.strictObject({
  type: z.literal("audio-windows"),
  version,
  input: z
    .string()
    .describe("The model's FP32 input, of shape [windows, contextSamples + windowSamples]."),
  sampleRate: z
    .int()
    .min(1000)
    .max(384_000)
    .describe("What the model hears, in Hz; clips are resampled to it, and channels averaged."),
  windowSamples: z.int().min(1).max(65_536).describe("New samples of a window."),
  contextSamples: z
    .int()
    .min(0)
    .max(65_536)
    .default(0)
    .describe("Samples in front of them, from the window before; silence before the first."),
  windowsPerRun: z
    .int()
    .min(1)
    .max(4096)
    .default(1)
    .describe("How many windows one run takes at most, in their order."),
  maxSeconds: z.number().min(0.01).max(3600).default(300).describe("Of audio in one request."),
  state: z
    .array(z.strictObject({ input: z.string(), output: z.string() }))
    .min(1)
    .max(16)
    .describe(
      "FP32 tensors that each run takes and gives back; 0 in the beginning. A dynamic dimension is 1.",
    ),
  constants: z
    .array(z.strictObject({ input: z.string(), value: z.number() }))
    .max(16)
    .default([])
    .describe("Inputs that are the same at each run, such as the rate."),
});

export const voiceActivitySchema = z.strictObject({
  type: z.literal("voice-activity"),
  version,
  probabilities: z
    .string()
    .describe("The model's FP32 output: for each window, how likely it is that somebody speaks."),
  threshold: z.number().min(0.01).max(1).default(0.5).describe("Speech begins at it."),
  minSpeechMs: z.int().min(0).max(60_000).default(250).describe("Shorter speech is dropped."),
  minSilenceMs: z.int().min(0).max(60_000).default(100).describe("Shorter silence is speech."),
  speechPadMs: z.int().min(0).max(60_000).default(30).describe("Added to speech at both ends."),
});

import * as z from "zod";
import type { Dimension, TensorSpec } from "../tensor.ts";
import type { ManifestContext, Problem } from "./block-definition.ts";
import { findSpec, fixedSize } from "./tensor-checks.ts";

/** Fields of the blocks that read a recording window by window. */

const seconds = z.number().min(0.01).max(600);

export const soundWindowFields = {
  sampleRate: z
    .int()
    .min(1000)
    .max(384_000)
    .default(16_000)
    .describe("The model's sample rate in Hz; audio is resampled to it, and channels averaged."),
  windowSeconds: seconds
    .optional()
    .describe("What the model reads at a time; the whole recording when left out."),
  hopSeconds: seconds
    .optional()
    .describe(
      "From the beginning of one window to that of the next one; `windowSeconds` by default.",
    ),
  fillLast: z
    .boolean()
    .default(true)
    .describe("Whether silence fills a window that is longer than what is left of the recording."),
  minSeconds: z
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe("The shortest recording that the model reads; silence is added to shorter ones."),
  normalize: z
    .enum(["none", "zero-mean-unit-variance"])
    .default("none")
    .describe(
      "Whether the samples of a window have a mean of 0 and a variance of 1, as by `do_normalize` of Wav2Vec2's feature extractor.",
    ),
  maxSeconds: z.number().min(0.01).max(3600).default(300).describe("Of audio in one request."),
} as const;

export interface SoundWindowFields {
  readonly sampleRate: number;
  readonly windowSeconds?: number | undefined;
  readonly hopSeconds?: number | undefined;
  readonly fillLast: boolean;
  readonly minSeconds: number;
  readonly normalize: "none" | "zero-mean-unit-variance";
  readonly maxSeconds: number;
}

/** Windows of all recordings of a request: each is a row of a run, and of the answer with timestamps. */
export const MAX_SOUND_WINDOWS = 4096;

/** Samples of a window and from one to the next one, at the model's rate; `undefined` for the whole recording. */
export function windowSamples(
  block: Pick<SoundWindowFields, "sampleRate" | "windowSeconds" | "hopSeconds">,
): { readonly length: number; readonly hop: number } | undefined {
  const { sampleRate, windowSeconds, hopSeconds = windowSeconds } = block;
  if (windowSeconds === undefined || hopSeconds === undefined) return undefined;
  return {
    length: Math.max(1, Math.round(windowSeconds * sampleRate)),
    hop: Math.max(1, Math.round(hopSeconds * sampleRate)),
  };
}

/** Tasks of sounds, whose windows are rows of runs. */
export const SOUND_POSTPROCESS = ["audio-classification", "audio-embedding"] as const;

export function* soundWindowProblems(
  type: string,
  block: SoundWindowFields,
  manifest: ManifestContext,
): Generator<Problem> {
  const needed: readonly string[] = SOUND_POSTPROCESS;
  if (manifest.postprocess && !needed.includes(manifest.postprocess.type))
    yield {
      path: ["postprocess", "type"],
      message: `must be ${needed.join(" or ")}, which ${type} needs`,
    };
  const { windowSeconds, hopSeconds, maxSeconds, minSeconds } = block;
  if (hopSeconds !== undefined && windowSeconds === undefined)
    yield { path: ["preprocess", "hopSeconds"], message: "has no effect without windowSeconds" };
  if (windowSeconds !== undefined && minSeconds > windowSeconds)
    yield {
      path: ["preprocess", "minSeconds"],
      message: `must not be above windowSeconds, which is ${windowSeconds}`,
    };
  const hop = hopSeconds ?? windowSeconds;
  if (hop !== undefined && maxSeconds / hop > MAX_SOUND_WINDOWS)
    yield {
      path: ["preprocess", "hopSeconds"],
      message: `must be at least maxSeconds / ${MAX_SOUND_WINDOWS}, which is ${maxSeconds / MAX_SOUND_WINDOWS}: a request may have ${MAX_SOUND_WINDOWS} windows`,
    };
}

/** A dimension of the input, of a block that reads it; `undefined` where that is dynamic. */
export function inputSize(
  manifest: ManifestContext,
  input: string,
  axis: number,
): number | undefined {
  return fixedSize(findSpec(manifest.inputs, input)?.shape.at(axis));
}

/** Where the batch is in an input; `undefined` for one without a batch, whose runs take one window. */
export function batchOf(spec: TensorSpec, itemRank: number): Dimension | undefined {
  return spec.shape.length > itemRank ? spec.shape[0] : undefined;
}

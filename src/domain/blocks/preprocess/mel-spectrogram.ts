import * as z from "zod";
import { primeFactors } from "../../../shared/prime-factors.ts";
import { AUDIO_INPUTS, AUDIO_MEDIA_TYPES } from "../audio-files.ts";
import type { ManifestContext, PreprocessDefinition, Problem } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import { soundWindowFields, soundWindowProblems, windowSamples } from "../sound-windows.ts";
import { findSpec, fixedSize, tensorProblems } from "../tensor-checks.ts";
import { featureFields, frameFields, logarithmFields, melFields } from "./mel-fields.ts";

const schema = z
  .strictObject({
    type: z.literal("mel-spectrogram"),
    version,
    input: z
      .string()
      .describe(
        "The model's FP32 input, of the layout's shape with a batch in front, also with a dimension of 1 after the batch.",
      ),
    layout: z
      .enum(["rows-first", "frames-first"])
      .default("rows-first")
      .describe("[rows, frames], as librosa and torchaudio return them, or [frames, rows]."),
    padFrames: z
      .number()
      .default(0)
      .describe(
        "What fills the frames that a window has fewer of than the input takes, before means are subtracted; further ones are cut.",
      ),
    ...soundWindowFields,
    ...frameFields,
    ...melFields,
    ...logarithmFields,
    ...featureFields,
  })
  .describe(
    "Mel spectrograms or MFCC of windows of a recording, equal to librosa's and torchaudio's.",
  );

export type MelSpectrogramBlock = z.output<typeof schema>;

/** Of `fftSize`: a transform costs its size times the sum of its prime factors. */
const MAX_PRIME_FACTOR = 61;

/** Rows of features: mel bins, or coefficients of MFCC. */
export function rowCount({
  bins,
  coefficients,
}: Pick<MelSpectrogramBlock, "bins" | "coefficients">): number {
  return coefficients ?? bins;
}

type Framing = Pick<MelSpectrogramBlock, "frameSamples" | "hopSamples" | "fftSize" | "framing">;

/** How many frames so many samples have. */
export function frameCount(
  { frameSamples, hopSamples, fftSize = frameSamples, framing }: Framing,
  samples: number,
): number {
  if (framing === "centered") return 1 + Math.floor(samples / hopSamples);
  const length = framing === "transforms" ? fftSize : frameSamples;
  return samples < length ? 0 : 1 + Math.floor((samples - length) / hopSamples);
}

/** The fewest samples that have a frame. */
export function leastSamples({ frameSamples, fftSize = frameSamples, framing }: Framing): number {
  if (framing === "centered") return Math.floor(fftSize / 2) + 1;
  return framing === "transforms" ? fftSize : frameSamples;
}

/** A recording as spectrograms of its windows. */
export const melSpectrogramBlock = {
  type: "mel-spectrogram",
  schema,
  mediaTypes: AUDIO_MEDIA_TYPES,
  inputs: AUDIO_INPUTS,
  parameters: NO_PARAMETERS,
  references: ({ input }) => ({ inputs: [input] }),
  *problems(block, manifest) {
    yield* soundWindowProblems("mel-spectrogram", block, manifest);
    yield* shapeProblems(block, manifest);
    yield* fieldProblems(block);
  },
} satisfies PreprocessDefinition<typeof schema>;

function* shapeProblems(block: MelSpectrogramBlock, manifest: ManifestContext): Generator<Problem> {
  const spec = findSpec(manifest.inputs, block.input);
  if (!spec) return;
  const rows = rowCount(block);
  const isRowsFirst = block.layout === "rows-first";
  const item = isRowsFirst ? [rows, "frames"] : ["frames", rows];
  const shapes = [
    ["batch", ...item],
    ["batch", 1, ...item],
  ];
  yield* tensorProblems(["preprocess", "input"], spec, { datatypes: ["FP32"], shapes });
  const frames = fixedSize(spec.shape.at(isRowsFirst ? -1 : -2));
  if (frames !== undefined && windowSamples(block) === undefined)
    yield {
      path: ["preprocess", "windowSeconds"],
      message: `is needed: ${JSON.stringify(spec.name)} takes ${frames} frames`,
    };
}

function* fieldProblems(block: MelSpectrogramBlock): Generator<Problem> {
  const at = (field: string, message: string): Problem => ({
    path: ["preprocess", field],
    message,
  });
  const { frameSamples, fftSize = frameSamples, sampleRate, bins, coefficients } = block;
  const { minHertz, maxHertz = sampleRate / 2, logarithm } = block;
  if (fftSize < frameSamples)
    yield at("fftSize", `must not be below frameSamples, which is ${frameSamples}`);
  const largest = Math.max(...primeFactors(fftSize));
  if (largest > MAX_PRIME_FACTOR)
    yield at(
      "fftSize",
      `must have no prime factor above ${MAX_PRIME_FACTOR}, by which its cost grows: ${fftSize} has ${largest}`,
    );
  if (maxHertz > sampleRate / 2)
    yield at("maxHertz", `must not be above half of sampleRate, which is ${sampleRate}`);
  if (minHertz >= maxHertz) yield at("minHertz", `must be below maxHertz, which is ${maxHertz}`);
  if (coefficients !== undefined && coefficients > bins)
    yield at("coefficients", `must not be above bins, which is ${bins}`);
  if (block.lifter > 0 && coefficients === undefined)
    yield at("lifter", "has no effect without coefficients");
  if (logarithm !== "none" && block.floor === 0 && block.offset === 0)
    yield at("floor", "must be above 0: the logarithm of silence is not finite");
  if (logarithm !== "decibel" && block.topDecibels !== undefined)
    yield at("topDecibels", "has no effect: logarithm is not decibel");
  if (logarithm !== "decibel" && block.reference !== 1)
    yield at("reference", "has no effect: logarithm is not decibel");
  for (const field of ["mean", "deviation"] as const) {
    const value = block[field];
    if (Array.isArray(value) && value.length !== rowCount(block))
      yield at(
        field,
        `must have ${rowCount(block)} numbers, one for each row; it has ${value.length}`,
      );
    if (field === "deviation" && [value].flat().includes(0)) yield at(field, "must not be 0");
  }
  const least = leastSamples(block);
  const length = windowSamples(block)?.length;
  const shortest = block.fillLast && length !== undefined ? length : block.minSeconds * sampleRate;
  if (shortest < least)
    yield at(
      block.fillLast && length !== undefined ? "windowSeconds" : "minSeconds",
      `must be at least ${least / sampleRate}: a frame takes ${least} samples`,
    );
}

import * as z from "zod";
import { AUDIO_INPUTS, AUDIO_MEDIA_TYPES } from "../audio-files.ts";
import type { PreprocessDefinition } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import {
  inputSize,
  soundWindowFields,
  soundWindowProblems,
  windowSamples,
} from "../sound-windows.ts";
import { findSpec, tensorProblems } from "../tensor-checks.ts";

const schema = z
  .strictObject({
    type: z.literal("waveform"),
    version,
    input: z
      .string()
      .describe(
        "The model's FP32 input, of shape [batch, samples], [batch, 1, samples] or, for one window a run, [samples].",
      ),
    ...soundWindowFields,
  })
  .describe("Samples from -1 to 1 as they are, of windows of a recording.");

export type WaveformBlock = z.output<typeof schema>;

/** A recording as the samples of its windows. */
export const waveformBlock = {
  type: "waveform",
  schema,
  mediaTypes: AUDIO_MEDIA_TYPES,
  inputs: AUDIO_INPUTS,
  parameters: NO_PARAMETERS,
  references: ({ input }) => ({ inputs: [input] }),
  *problems(block, manifest) {
    yield* soundWindowProblems("waveform", block, manifest);
    const spec = findSpec(manifest.inputs, block.input);
    if (!spec) return;
    const shapes = [["batch", "samples"], ["batch", 1, "samples"], ["samples"]];
    yield* tensorProblems(["preprocess", "input"], spec, { datatypes: ["FP32"], shapes });
    const samples = inputSize(manifest, block.input, -1);
    if (samples === undefined) return;
    const length = windowSamples(block)?.length;
    if (length !== samples)
      yield {
        path: ["preprocess", "windowSeconds"],
        message: `must be ${samples / block.sampleRate}: ${JSON.stringify(spec.name)} takes ${samples} samples`,
      };
    if (!block.fillLast)
      yield {
        path: ["preprocess", "fillLast"],
        message: `must be true: ${JSON.stringify(spec.name)} takes ${samples} samples`,
      };
  },
} satisfies PreprocessDefinition<typeof schema>;

import * as z from "zod";
import type { ManifestContext, Problem } from "../block-definition.ts";

/** What the blocks of sounds have in common. */

export const aggregation = z.enum(["mean", "max"]);

export const aggregationField = aggregation
  .default("mean")
  .describe("How the answers of several windows become one: by the mean, or the largest number.");

export const soundParameters = {
  timestamps: z
    .boolean()
    .default(false)
    .describe(
      "whether the answer is a list of windows, each with its beginning and end in seconds",
    ),
  aggregation: aggregation
    .optional()
    .describe(
      "how the answers of several windows become one, instead of the manifest's `aggregation`",
    ),
} as const;

export const windowTimes = {
  start: z.number().describe("In seconds."),
  end: z.number().describe("In seconds."),
} as const;

const FRONT_ENDS: readonly string[] = ["waveform", "mel-spectrogram"];

export function* frontEndProblems(
  type: string,
  { preprocess }: Pick<ManifestContext, "preprocess">,
): Generator<Problem> {
  if (preprocess && !FRONT_ENDS.includes(preprocess.type))
    yield {
      path: ["preprocess", "type"],
      message: `must be ${FRONT_ENDS.join(" or ")}, which ${type} needs`,
    };
}

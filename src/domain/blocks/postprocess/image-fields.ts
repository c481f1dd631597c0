import * as z from "zod";
import type { ManifestContext, Problem } from "../block-definition.ts";

/** Fields and checks that blocks of pictures have in common. */

/** Preprocess blocks whose items are images. */
export const IMAGE_BLOCKS: readonly string[] = ["image"];

export const maskLayout = z
  .enum(["NCHW", "NHWC"])
  .default("NCHW")
  .describe("Whether the output has planes, or pixels with all of their values.");

/** Checks that the preprocess block, where there is one, takes images. */
export function* imagePairProblems(
  type: string,
  { preprocess }: Pick<ManifestContext, "preprocess">,
): Generator<Problem> {
  if (preprocess && !IMAGE_BLOCKS.includes(preprocess.type))
    yield {
      path: ["preprocess", "type"],
      message: `must be ${IMAGE_BLOCKS.join(" or ")}, which ${type} needs`,
    };
}

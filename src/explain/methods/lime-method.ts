import * as z from "zod";
import { COSINE_KERNEL_WIDTH, createLimeEstimator } from "../estimators/lime.ts";
import { mediaParameters } from "../media/media-parameters.ts";
import { explainsParts } from "../media/open-media.ts";
import { planMedia } from "../media/plan-media.ts";
import type { ExplanationMethod } from "../method.ts";
import { planDiscretizedLime } from "../table/plan-discretized-lime.ts";
import { planTableGame } from "../table/plan-table-game.ts";

const MAX_SAMPLES = 100_000;

const parameters = z.strictObject({
  ...mediaParameters,
  samples: z
    .int()
    .min(10)
    .max(MAX_SAMPLES)
    .optional()
    .describe(
      "Of lime: how many samples the model is fitted to; of tables 5000 by default, else as many as there may be runs for.",
    ),
  kernel_width: z
    .number()
    .positive()
    .max(1e6)
    .optional()
    .describe(
      "Of lime: the distance at which samples weigh less; 0.75 times the root of the number of columns by default, 0.25 of cosine distance for texts and pictures.",
    ),
  sampling: z
    .enum(["discretized", "background"])
    .default("discretized")
    .describe(
      "Of lime for tables: whether values are drawn by quartiles, as the package lime does, or columns are present or replaced by those of background rows.",
    ),
});

/** LIME, whose coefficients tell what a linear model makes of the input's neighbourhood. */
export const limeMethod: ExplanationMethod<typeof parameters> = {
  name: "lime",
  summary:
    "Coefficients of a linear model that is fitted to what the model answers around the input.",
  exact: false,
  isGlobal: false,
  parameters,
  async plan(request) {
    const { samples, kernel_width, sampling } = request.parameters;
    if (explainsParts(request)) {
      const width = kernel_width ?? COSINE_KERNEL_WIDTH;
      const kernelWidth = (): number => width;
      const ofParts = createLimeEstimator({ distance: "cosine", kernelWidth, samples });
      return planMedia({ name: "lime", inSegments: true, estimator: () => ofParts }, request);
    }
    const kernelWidth = (columns: number): number => kernel_width ?? 0.75 * Math.sqrt(columns);
    if (sampling === "discretized") return planDiscretizedLime({ samples, kernelWidth }, request);
    const estimator = createLimeEstimator({ distance: "euclidean", kernelWidth, samples });
    return planTableGame({ name: "lime", exact: false, estimator: () => estimator }, request);
  },
  suits: async () => false,
};

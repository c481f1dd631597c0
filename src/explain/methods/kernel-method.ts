import { kernelEstimator } from "../estimators/kernel.ts";
import { mediaParametersSchema } from "../media/media-parameters.ts";
import { explainsParts } from "../media/open-media.ts";
import { planMedia } from "../media/plan-media.ts";
import type { ExplanationMethod } from "../method.ts";
import { planTableGame } from "../table/plan-table-game.ts";

const METHOD = { name: "kernel", exact: false, inSegments: true, estimator: () => kernelEstimator };

/** Shapley values by KernelSHAP. */
export const kernelMethod: ExplanationMethod<typeof mediaParametersSchema> = {
  name: "kernel",
  summary: "Shapley values by KernelSHAP: a weighted regression on coalitions, drawn in pairs.",
  exact: false,
  isGlobal: false,
  parameters: mediaParametersSchema,
  plan: (request) =>
    explainsParts(request) ? planMedia(METHOD, request) : planTableGame(METHOD, request),
  suits: async () => false,
};

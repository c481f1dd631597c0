import { permutationEstimator } from "../estimators/permutation.ts";
import { mediaParametersSchema } from "../media/media-parameters.ts";
import { explainsParts } from "../media/open-media.ts";
import { planMedia } from "../media/plan-media.ts";
import type { ExplanationMethod } from "../method.ts";
import { planTableGame } from "../table/plan-table-game.ts";
import { isTable } from "../table/table-reader.ts";

const METHOD = {
  name: "permutation",
  exact: false,
  inSegments: true,
  estimator: () => permutationEstimator,
};

/** Shapley values by orders of the features. */
export const permutationMethod: ExplanationMethod<typeof mediaParametersSchema> = {
  name: "permutation",
  summary: "Shapley values by random orders of the features, each also backwards.",
  exact: false,
  isGlobal: false,
  parameters: mediaParametersSchema,
  plan: (request) =>
    explainsParts(request) ? planMedia(METHOD, request) : planTableGame(METHOD, request),
  suits: async ({ version }) => isTable(version.model.manifest),
};

import { exactEstimator, MAX_EXACT_PLAYERS } from "../estimators/exact.ts";
import { permutationEstimator } from "../estimators/permutation.ts";
import { mediaParametersSchema } from "../media/media-parameters.ts";
import { explainsParts } from "../media/open-media.ts";
import { planMedia } from "../media/plan-media.ts";
import type { ExplanationMethod } from "../method.ts";
import { exactMethod } from "./exact-method.ts";
import { permutationMethod } from "./permutation-method.ts";

/** Shapley values, whichever way they can be had. */
export const shapleyMethod: ExplanationMethod<typeof mediaParametersSchema> = {
  name: "shapley",
  summary: `Shapley values: of all coalitions where there are at most ${MAX_EXACT_PLAYERS} features and runs for them, else by random orders.`,
  exact: false,
  isGlobal: false,
  parameters: mediaParametersSchema,
  async plan(request) {
    const { limit, maxRuns = limit } = request;
    if (!explainsParts(request)) {
      const method = (await exactMethod.suits(request)) ? exactMethod : permutationMethod;
      return method.plan(request);
    }
    const estimator = (players: number) =>
      players <= MAX_EXACT_PLAYERS && 2 ** players <= Math.min(limit, maxRuns)
        ? exactEstimator
        : permutationEstimator;
    return planMedia({ name: "shapley", estimator, inSegments: true }, request);
  },
  suits: async () => false,
};

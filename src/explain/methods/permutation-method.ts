import * as z from "zod";
import { permutationEstimator } from "../estimators/permutation.ts";
import type { ExplanationMethod } from "../method.ts";
import { planTableGame } from "../table/plan-table-game.ts";
import { isTable } from "../table/table-reader.ts";

const parameters = z.strictObject({});

/** Shapley values by orders of the features. */
export const permutationMethod: ExplanationMethod<typeof parameters> = {
  name: "permutation",
  summary: "Shapley values by random orders of the features, each also backwards.",
  exact: false,
  isGlobal: false,
  parameters,
  plan: (request) =>
    planTableGame(
      { name: "permutation", exact: false, estimator: () => permutationEstimator },
      request,
    ),
  suits: async ({ version }) => isTable(version.model.manifest),
};

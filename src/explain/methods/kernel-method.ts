import * as z from "zod";
import { kernelEstimator } from "../estimators/kernel.ts";
import type { ExplanationMethod } from "../method.ts";
import { planTableGame } from "../table/plan-table-game.ts";

const parameters = z.strictObject({});

/** Shapley values by KernelSHAP. */
export const kernelMethod: ExplanationMethod<typeof parameters> = {
  name: "kernel",
  summary: "Shapley values by KernelSHAP: a weighted regression on coalitions, drawn in pairs.",
  exact: false,
  isGlobal: false,
  parameters,
  plan: (request) =>
    planTableGame({ name: "kernel", exact: false, estimator: () => kernelEstimator }, request),
  suits: async () => false,
};

import { counterfactualMethod } from "./counterfactual/counterfactual-method.ts";
import { createMeanAbsoluteMethod } from "./global/mean-absolute-method.ts";
import { partialDependenceMethod } from "./global/partial-dependence-method.ts";
import { permutationImportanceMethod } from "./global/permutation-importance-method.ts";
import { linearMethod } from "./linear/linear-method.ts";
import type { ExplanationMethod } from "./method.ts";
import { exactMethod } from "./methods/exact-method.ts";
import { kernelMethod } from "./methods/kernel-method.ts";
import { limeMethod } from "./methods/lime-method.ts";
import { nearestMethod } from "./methods/nearest-method.ts";
import { occlusionMethod } from "./methods/occlusion-method.ts";
import { permutationMethod } from "./methods/permutation-method.ts";
import { riseMethod } from "./methods/rise-method.ts";
import { shapleyMethod } from "./methods/shapley-method.ts";
import { treeMethod } from "./trees/tree-method.ts";

/** Those that explain a row of a table by a value for each feature. */
const OF_ROWS: readonly ExplanationMethod[] = [
  linearMethod,
  treeMethod,
  exactMethod,
  kernelMethod,
  permutationMethod,
];

/** Every method, by its name in requests; the first that suits a version explains it when the request names none. */
export const METHODS: readonly ExplanationMethod[] = [
  linearMethod,
  treeMethod,
  occlusionMethod,
  exactMethod,
  kernelMethod,
  permutationMethod,
  shapleyMethod,
  riseMethod,
  limeMethod,
  counterfactualMethod,
  nearestMethod,
  createMeanAbsoluteMethod(OF_ROWS),
  permutationImportanceMethod,
  partialDependenceMethod,
];

import type { Benchmark } from "../benchmark.ts";
import { measureSampled } from "../explanations/sampled.ts";
import { measureTrees } from "../explanations/trees.ts";

export const explanations: Benchmark = {
  name: "explanations",
  description:
    "explanations of tables, compared with a loop of the same runs and, of trees, with Python's shap",
  async run(options) {
    const parts = [await measureTrees(options), await measureSampled(options)];
    return { tables: parts.flatMap(({ tables }) => tables), raw: parts.map(({ raw }) => raw) };
  },
};

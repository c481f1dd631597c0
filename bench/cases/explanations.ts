import type { Benchmark } from "../benchmark.ts";
import { measureSampled } from "../explanations/sampled.ts";

export const explanations: Benchmark = {
  name: "explanations",
  description: "explanations of tables, compared with a loop of the same runs",
  run: measureSampled,
};

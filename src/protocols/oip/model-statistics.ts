import type { InferenceStatistics } from "../../domain/inference-statistics.ts";

/**
 * "Statistics Response JSON Object" of Triton's statistics extension. Each isolate counts only its own requests, as
 * `scope` says.
 */
export function toModelStatistics(all: readonly InferenceStatistics[]): object {
  return { scope: "isolate", model_stats: all.map(toModelStat) };
}

function toModelStat(statistics: InferenceStatistics): object {
  const { name, version, lastInference, executions, success, fail, queue } = statistics;
  const compute = {
    compute_input: statistics.computeInput,
    compute_infer: statistics.computeInfer,
    compute_output: statistics.computeOutput,
  };
  return {
    name,
    version,
    last_inference: lastInference,
    // Requests are not merged into batches: each one is an inference and an execution.
    inference_count: executions,
    execution_count: executions,
    inference_stats: {
      success,
      fail,
      queue,
      ...compute,
      cache_hit: statistics.cacheHit,
      cache_miss: statistics.cacheMiss,
    },
    batch_stats: executions > 0 ? [{ batch_size: 1, ...compute }] : [],
  };
}

import type { Context } from "hono";
import type { DurationStatistic, InferenceStatistics } from "../../domain/inference-statistics.ts";
import type { ModelId } from "../../domain/model-id.ts";
import type { AppEnv } from "../../http/context.ts";
import { isCacheHidden } from "../hide-cache.ts";
import type { Services } from "../services.ts";

/** The statistics of versions, as this client may see them. */
export async function readStatistics(
  c: Context<AppEnv>,
  versions: readonly ModelId[],
  services: Pick<Services, "catalog" | "config" | "statistics">,
): Promise<object> {
  const { catalog, config, statistics } = services;
  const all = versions.map(async ({ name, version }) => {
    const counted = statistics.of(name, version);
    // What this isolate was never asked for tells nothing, and its manifest need not be read.
    if (counted.success.count === 0) return counted;
    const model = await catalog.resolve(name, version);
    return isCacheHidden(c, model, config) ? withoutCacheUse(counted) : counted;
  });
  return toModelStatistics(await Promise.all(all));
}

const NOTHING: DurationStatistic = { count: 0, ns: 0 };

/** Without what tells a hit from a run: every successful request counts as an execution. */
function withoutCacheUse(statistics: InferenceStatistics): InferenceStatistics {
  return {
    ...statistics,
    executions: statistics.success.count,
    queue: NOTHING,
    computeInput: NOTHING,
    computeInfer: NOTHING,
    computeOutput: NOTHING,
    cacheHit: NOTHING,
    cacheMiss: NOTHING,
  };
}

/**
 * "Statistics Response JSON Object" of Triton's statistics extension. Each isolate counts only its own requests, as
 * `scope` says.
 */
function toModelStatistics(all: readonly InferenceStatistics[]): object {
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

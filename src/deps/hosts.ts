import type { EntryStore } from "../cache/entry-store.ts";
import type { Config } from "../config.ts";
import type { ServiceOverrides } from "../deps.ts";
import type { ModelHost } from "../domain/model-host.ts";
import type { ModelStore, RuntimeStats } from "../domain/ports.ts";
import type { OnnxflareEnv } from "../env.ts";
import { toCacheableRun } from "../hosts/cacheable-run.ts";
import { createCellHost } from "../hosts/cell-host.ts";
import { createIsolateHost } from "../hosts/isolate/worker/isolate-host.ts";
import { createPlacedHost, type PlacedHost } from "../hosts/placed-host.ts";
import { createAnswerCached } from "../inference/answer-cached.ts";
import { createBypassOf } from "../inference/cache-directives.ts";
import { createRunCached } from "../inference/run-cached.ts";
import { createRunTask } from "../inference/run-task.ts";
import type { Inference } from "../inference/shadow.ts";
import { ISOLATE_CODE } from "../isolate-code.ts";
import { createModelPool } from "../runtime/model-pool.ts";
import { createBudgetedDecoder } from "../tasks/image/budgeted-decoder.ts";
import { createTask, type TaskTools } from "../tasks/registry.ts";

export interface DeployedHost extends PlacedHost {
  /** Of the cells of this isolate: no isolate of a model is asked. */
  readonly runtimeStats: () => RuntimeStats;
  /** Of the preprocessors of this isolate. */
  readonly tools: TaskTools;
}

/** The host of all versions: this isolate's cells, and isolates of single models where the binding for them exists. */
export function createHost(
  env: OnnxflareEnv,
  config: Config,
  store: ModelStore,
  { createTask: createTaskOf = createTask, isolateCode: code = ISOLATE_CODE }: ServiceOverrides,
): DeployedHost {
  const runtime = createModelPool({ budgetBytes: config.memoryBudgetBytes });
  const runtimeStats = () => runtime.stats();
  const tools = { decodeImage: createBudgetedDecoder(runtime) };
  const cells = createCellHost({
    runtime,
    createTask: (manifest, readFile) => createTaskOf(manifest, readFile, tools),
  })(store);
  const loader = env.LOADER;
  if (!loader) return { host: cells, hasOwnIsolate: () => false, runtimeStats, tools };
  const { maxInFlight, maxQueueMs, timeoutMs, placement, ownIsolateFromBytes } = config;
  const budgetBytes = config.ownIsolateBudgetBytes;
  const settings = { budgetBytes, maxInFlight, maxQueueMs, timeoutMs };
  const placed = createPlacedHost({
    cells,
    isolates: createIsolateHost({ loader, code, store, settings }),
    rules: { placement, ownFromBytes: ownIsolateFromBytes },
  });
  return { ...placed, runtimeStats, tools };
}

/** What runs models and tasks, by way of the cache. */
export function createInference(
  host: ModelHost,
  cache: EntryStore,
  { cache: { tiers, remoteTiers, maxEntryBytes } }: Config,
  hasOwnIsolate: (model: string) => boolean,
): Inference {
  const enabled = tiers.length > 0;
  const runCached = createRunCached(host, cache, { enabled, remoteTiers, hasOwnIsolate });
  return {
    infer: (request, call) => runCached(toCacheableRun(host.infer, request), call),
    runTask: createRunTask(host, {
      runCached,
      answerCached: createAnswerCached(cache, { maxEntryBytes }),
      bypassOf: createBypassOf({ enabled }),
    }),
  };
}

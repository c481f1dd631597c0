import { version } from "../package.json";
import { parseConfig } from "./config.ts";
import { createAdmission } from "./domain/admission.ts";
import { createModelPool } from "./runtime/model-pool.ts";
import { createCatalog } from "./services/catalog.ts";
import { createPredict } from "./services/predict.ts";
import { createPublisher } from "./services/publish.ts";
import { createReadiness } from "./services/readiness.ts";
import { createRepository } from "./services/repository.ts";
import { createTaskPipelines } from "./services/task-pipelines.ts";
import { createTaskPredict } from "./services/task-predict.ts";
import { createWarmUp } from "./services/warm-up.ts";
import { createR2ModelStore } from "./storage/r2-model-store.ts";
import { createConsoleSink } from "./telemetry/console-sink.ts";
import { createFanOutSink } from "./telemetry/fan-out-sink.ts";
import { createStatisticsSink } from "./telemetry/inference-statistics.ts";

/**
 * The composition root: the only place that sees bindings and adapters together.
 * @throws Error that names the missing binding or the wrong setting
 */
export function buildDeps(env: Env) {
  const config = parseConfig(env);
  if (!env.MODELS) throw new Error("the R2 binding MODELS is missing: see wrangler.toml");
  const store = createR2ModelStore(env.MODELS);
  const runtime = createModelPool({ budgetBytes: config.memoryBudgetBytes });
  const pipelines = createTaskPipelines(store);
  const warmUp = createWarmUp(pipelines);
  const predict = createPredict(store, runtime, warmUp);
  const statistics = createStatisticsSink();
  const catalog = createCatalog(store, { listingTtlSeconds: config.catalogTtlSeconds });
  return {
    config,
    serverVersion: version,
    sink: createFanOutSink(statistics, ...(config.eventLog ? [createConsoleSink()] : [])),
    statistics,
    repository: createRepository(catalog, runtime),
    admission: createAdmission({
      maxInFlight: config.maxInFlight,
      maxQueueMs: config.maxQueueMs,
      defaultTimeoutMs: config.timeoutMs,
    }),
    catalog,
    predict,
    taskPredict: createTaskPredict(pipelines, predict),
    readiness: createReadiness(store, runtime, warmUp),
    publisher: createPublisher(store, runtime, catalog),
    runtimeStats: () => runtime.stats(),
  };
}

import { version } from "../package.json";
import { type Config, parseConfig } from "./config.ts";
import { createAdmission } from "./domain/admission.ts";
import type { ModelRuntime } from "./domain/ports.ts";
import { createModelPool } from "./runtime/model-pool.ts";
import { createCachedPredict } from "./services/cached-predict.ts";
import { createCatalog } from "./services/catalog.ts";
import { createFinishedAnswers } from "./services/finished-answers.ts";
import { createPredict } from "./services/predict.ts";
import { createPredictionCache, type PredictionCache } from "./services/prediction-cache.ts";
import { createPublisher } from "./services/publish.ts";
import { createReadiness } from "./services/readiness.ts";
import { createRepository } from "./services/repository.ts";
import { createTaskPipelines } from "./services/task-pipelines.ts";
import { createTaskPredict } from "./services/task-predict.ts";
import { createWarmUp } from "./services/warm-up.ts";
import { createDatacenterCacheTier } from "./storage/datacenter-cache-tier.ts";
import { createKvCacheTier, createKvPurgeLog } from "./storage/kv-cache-tier.ts";
import { createR2ModelStore } from "./storage/r2-model-store.ts";
import { createCodecStore } from "./tasks/image/codec-store.ts";
import { createImageDecoder, type DecodeImage } from "./tasks/image/decode-image.ts";
import { createCacheStatisticsSink } from "./telemetry/cache-statistics.ts";
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
  const pipelines = createTaskPipelines(store, { decodeImage: createDecoder(runtime) });
  const warmUp = createWarmUp(pipelines);
  const cache = createCache(env, config);
  const enabled = config.cache.tiers.length > 0;
  const predict = createCachedPredict(createPredict(store, runtime, warmUp), cache, runtime, {
    enabled,
    outerTiers: config.cache.outerTiers,
  });
  const statistics = createStatisticsSink();
  const cacheStatistics = createCacheStatisticsSink();
  const catalog = createCatalog(store, { listingTtlSeconds: config.catalogTtlSeconds });
  return {
    config,
    serverVersion: version,
    sink: createFanOutSink(
      statistics,
      cacheStatistics,
      ...(config.eventLog ? [createConsoleSink()] : []),
    ),
    statistics,
    repository: createRepository(catalog, runtime),
    admission: createAdmission({
      maxInFlight: config.maxInFlight,
      maxQueueMs: config.maxQueueMs,
      defaultTimeoutMs: config.timeoutMs,
    }),
    catalog,
    predict,
    finishedAnswers: createFinishedAnswers(cache, { enabled }),
    cache,
    cacheStats: () => ({
      ...cacheStatistics.read(),
      failedWrites: cache.failedWrites(),
      isolate: cache.usage(),
    }),
    taskPredict: createTaskPredict(pipelines, predict),
    readiness: createReadiness(store, runtime, warmUp),
    publisher: createPublisher(store, runtime, catalog),
    runtimeStats: () => runtime.stats(),
  };
}

/** The image codecs, which come when the first picture does, within the models' memory budget. */
function createDecoder(runtime: ModelRuntime): DecodeImage {
  const codecs = createCodecStore(
    async (format) => (await import("./tasks/image/jsquash-codecs.ts")).instantiateCodec(format),
    { makeRoom: (bytes) => runtime.reserve(bytes) },
  );
  runtime.register(codecs);
  return createImageDecoder(codecs);
}

/** The tiers that are switched on and whose bindings exist. */
function createCache(env: Env, { cache }: Config): PredictionCache {
  const { tiers, isolateBytes, maxEntryBytes, readTimeoutMs } = cache;
  const kv: KVNamespace | undefined = env.CACHE;
  return createPredictionCache(
    [
      ...(tiers.includes("datacenter") ? [createDatacenterCacheTier(caches.default)] : []),
      ...(tiers.includes("kv") && kv ? [createKvCacheTier(kv)] : []),
    ],
    // Whatever the tiers are, this is how other isolates learn of a purge.
    kv && createKvPurgeLog(kv),
    { isolateBytes: tiers.includes("isolate") ? isolateBytes : 0, maxEntryBytes, readTimeoutMs },
  );
}

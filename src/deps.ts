import { version } from "../package.json";
import { createEntryStore, type EntryStore } from "./cache/entry-store.ts";
import { createResponseCache } from "./cache/response-cache.ts";
import { type Config, parseConfig } from "./config.ts";
import type { ModelRuntime } from "./domain/ports.ts";
import { toCacheableRun } from "./hosts/cacheable-run.ts";
import { type CreateTask, createCellHost } from "./hosts/cell-host.ts";
import { createAdmission } from "./inference/admission.ts";
import { createBodyBudget } from "./inference/body-budget.ts";
import { createRunCached } from "./inference/run-cached.ts";
import { createRunTask } from "./inference/run-task.ts";
import type { Services } from "./protocols/services.ts";
import { createCatalog } from "./registry/catalog.ts";
import { createManifestSurvey } from "./registry/manifest-survey.ts";
import { createPublisher } from "./registry/publish.ts";
import { createModelReadiness } from "./registry/readiness.ts";
import { createRepository } from "./registry/repository.ts";
import { createServerReadiness } from "./registry/server-readiness.ts";
import { createModelPool } from "./runtime/model-pool.ts";
import { createDatacenterCacheTier } from "./storage/datacenter-cache-tier.ts";
import { createKvCacheTier, createKvPurgeLog } from "./storage/kv-cache-tier.ts";
import { createR2ModelStore } from "./storage/r2-model-store.ts";
import { createCodecStore } from "./tasks/image/codec-store.ts";
import { createImageDecoder, type DecodeImage } from "./tasks/image/decode-image.ts";
import { createTask } from "./tasks/registry.ts";
import { createCacheStatisticsSink } from "./telemetry/cache-statistics.ts";
import { createConsoleSink } from "./telemetry/console-sink.ts";
import { createFanOutSink } from "./telemetry/fan-out-sink.ts";
import { createStatisticsSink } from "./telemetry/inference-statistics.ts";

/**
 * The composition root: the only place that sees bindings and adapters together.
 * @param overrides replaces the creation of tasks
 * @throws Error that names the missing binding or the invalid setting
 */
export function createServices(
  env: Env,
  overrides: { readonly createTask?: CreateTask } = {},
): Services {
  const config = parseConfig(env);
  if (!env.MODELS) throw new Error("the R2 binding MODELS is missing: see wrangler.toml");
  const store = createR2ModelStore(env.MODELS);
  const runtime = createModelPool({ budgetBytes: config.memoryBudgetBytes });
  const tools = { decodeImage: createDecoder(runtime) };
  const {
    createTask: createTaskOf = (manifest, readFile) => createTask(manifest, readFile, tools),
  } = overrides;
  const host = createCellHost({ runtime, createTask: createTaskOf })(store);
  const cache = createCache(env, config);
  const enabled = config.cache.tiers.length > 0;
  const runCached = createRunCached(host, cache, {
    enabled,
    remoteTiers: config.cache.remoteTiers,
  });
  const statistics = createStatisticsSink();
  const cacheStatistics = createCacheStatisticsSink();
  const catalog = createCatalog(store, { listingTtlSeconds: config.catalogTtlSeconds });
  const admission = createAdmission({
    maxInFlight: config.maxInFlight,
    maxQueueMs: config.maxQueueMs,
    maxTimeoutMs: config.timeoutMs,
  });
  return {
    config,
    serverVersion: version,
    sink: createFanOutSink(
      statistics,
      cacheStatistics,
      ...(config.eventLog ? [createConsoleSink()] : []),
    ),
    statistics,
    repository: createRepository(catalog, host, createManifestSurvey(catalog, store)),
    admission,
    bodies: createBodyBudget({ limitBytes: config.maxBodiesBytes }),
    catalog,
    infer: (request, call) => runCached(toCacheableRun(host.infer, request), call),
    responseCache: createResponseCache(cache, { enabled }),
    cache,
    cacheStats: () => ({
      ...cacheStatistics.read(),
      failedWrites: cache.failedWrites(),
      isolate: cache.usage(),
    }),
    runTask: createRunTask(host, runCached),
    modelReadiness: createModelReadiness(host, store, admission),
    serverReadiness: createServerReadiness(store, { requiredObject: config.readyObject }),
    publisher: createPublisher(store, host, catalog, { maxModelBytes: config.maxModelBytes }),
    host,
  };
}

/** The image decoder. Its codecs are instantiated for the first image, within the models' memory budget. */
function createDecoder(runtime: ModelRuntime): DecodeImage {
  const codecs = createCodecStore(
    async (format) => (await import("./tasks/image/jsquash-codecs.ts")).instantiateCodec(format),
    { reserve: (bytes) => runtime.reserve(bytes) },
  );
  runtime.register(codecs);
  return createImageDecoder(codecs);
}

/** The entry store with the tiers that are enabled and whose bindings exist. */
function createCache(env: Env, { cache }: Config): EntryStore {
  const { tiers, isolateBytes, maxEntryBytes, readTimeoutMs } = cache;
  const kv: KVNamespace | undefined = env.CACHE;
  return createEntryStore(
    [
      ...(tiers.includes("datacenter") ? [createDatacenterCacheTier(caches.default)] : []),
      ...(tiers.includes("kv") && kv ? [createKvCacheTier(kv)] : []),
    ],
    // Independent of the tiers: other isolates read the purges there.
    kv && createKvPurgeLog(kv),
    { localBytes: tiers.includes("isolate") ? isolateBytes : 0, maxEntryBytes, readTimeoutMs },
  );
}

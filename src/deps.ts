import { version } from "../package.json";
import { decodeEntry } from "./cache/entry.ts";
import { createResponseCache } from "./cache/response-cache.ts";
import { parseConfig, readSecrets } from "./config.ts";
import { createAccuracyServices, createPredictionGathering } from "./deps/accuracy.ts";
import { createDrift } from "./deps/drift.ts";
import { createExplaining } from "./deps/explaining.ts";
import { createFloods, createKeyAuthority, createTokenProviders, isStrong } from "./deps/guard.ts";
import { createHost, createInference } from "./deps/hosts.ts";
import {
  createCollected,
  createCollection,
  createIsolateCounts,
  createMetrics,
  createMetricsShards,
  createMonitoringReader,
  createReportsOf,
} from "./deps/monitoring.ts";
import { createCache, createObjects } from "./deps/storage.ts";
import { createSweep } from "./deps/sweep.ts";
import { createTelemetry } from "./deps/telemetry.ts";
import { toSelector } from "./domain/data-selector.ts";
import { SERVICE_SHARD } from "./domain/monitoring/collector.ts";
import type { OnnxflareEnv } from "./env.ts";
import { createAuditRecorder } from "./guard/audit-recorder.ts";
import { createAuthenticator } from "./guard/authenticator.ts";
import { createCpuCosts } from "./guard/cpu-costs.ts";
import { createLimiter } from "./guard/limiter.ts";
import type { IsolateCode } from "./hosts/isolate/worker/isolate-loader.ts";
import { createAdmission } from "./inference/admission.ts";
import { createAdmissionByIsolate } from "./inference/admission-by-isolate.ts";
import { createBodyBudget } from "./inference/body-budget.ts";
import { createCaptures } from "./inference/captures.ts";
import { createCapturing } from "./inference/capturing.ts";
import { createDrawAnswer } from "./inference/draw-answer.ts";
import { limitBatch } from "./inference/limit-batch.ts";
import { createObserving } from "./inference/observing.ts";
import { createShadow } from "./inference/shadow.ts";
import { createShadowCopies } from "./inference/shadow-copies.ts";
import { createLiveEvents } from "./monitoring/live-events.ts";
import type { PersonalDataStore } from "./privacy/personal-data-store.ts";
import { createPrivacy } from "./privacy/privacy.ts";
import { derivePrivacyKey } from "./privacy/privacy-keys.ts";
import { createCapturesData } from "./privacy/stores/captures.ts";
import { createCollectedData } from "./privacy/stores/collected.ts";
import { createEventsData, removeEvents } from "./privacy/stores/events.ts";
import { createKeysData } from "./privacy/stores/keys.ts";
import { createPredictionsData } from "./privacy/stores/predictions.ts";
import { createPrefixesData } from "./privacy/stores/prefixes.ts";
import { createSubjects } from "./privacy/subject-hashes.ts";
import type { Services } from "./protocols/services.ts";
import { createCatalog } from "./registry/catalog.ts";
import { createGarbageCollector } from "./registry/collect-garbage.ts";
import { createVersionDeleter } from "./registry/delete-version.ts";
import { createManifestSurvey } from "./registry/manifest-survey.ts";
import { createModelInspector } from "./registry/model-inspector.ts";
import { createKnownProfiles } from "./registry/profiles/known-profiles.ts";
import { createProfileAdministration } from "./registry/profiles/profile-administration.ts";
import { createPublisher } from "./registry/publish.ts";
import { createModelReadiness } from "./registry/readiness.ts";
import { createRepository } from "./registry/repository.ts";
import { createRoutingAdministration } from "./registry/routing/administration.ts";
import { createRouter } from "./registry/routing/router.ts";
import { createRoutingEditor } from "./registry/routing/routing-editor.ts";
import { createServerReadiness } from "./registry/server-readiness.ts";
import { createTombstones } from "./registry/tombstones.ts";
import { createUploads } from "./registry/uploads.ts";
import { createSignatures } from "./registry/verify-signature.ts";
import { createScrubber } from "./shared/scrub-secrets.ts";
import { createCaptureStore } from "./storage/capture-store.ts";
import { createModelStore } from "./storage/model-store.ts";
import { createObjectInventory } from "./storage/object-inventory.ts";
import { createProfileStore } from "./storage/profile-store.ts";
import { createRoutingStore } from "./storage/routing-store.ts";
import { createStaticAssets } from "./storage/static-assets.ts";
import { createUploadStore } from "./storage/upload-store.ts";
import type { createTask } from "./tasks/registry.ts";
import { keepAlive } from "./telemetry/keep-alive.ts";
import { createMissingPartNotices } from "./telemetry/missing-parts.ts";
import { createPlatformTracing } from "./telemetry/platform-tracing.ts";
import type { OwnSink } from "./telemetry/sinks/sink-definition.ts";

export interface ServiceOverrides {
  /** In the cells of this isolate. */
  readonly createTask?: typeof createTask;
  readonly isolateCode?: IsolateCode;
  /** The path under which the service is mounted, with which links begin. */
  readonly prefix?: string;
  /** Receive the events that are written. */
  readonly ownSinks?: readonly OwnSink[];
}

/**
 * The composition root: the only place that sees bindings and adapters together.
 * @param overrides what another Worker than the default one does differently
 * @throws Error that names the missing binding or the invalid setting
 */
export function createServices(env: OnnxflareEnv, overrides: ServiceOverrides = {}): Services {
  const config = parseConfig(env);
  if (!env.MODELS) throw new Error("the R2 binding MODELS is missing: see wrangler.toml");
  const secrets = readSecrets(env);
  const scrubStored = createScrubber(secrets, { findsCut: true });
  const { ownSinks = [] } = overrides;
  const shards = createMetricsShards(env);
  const tracing = createPlatformTracing();
  const telemetry = createTelemetry({
    config,
    env,
    version,
    tracing,
    scrub: scrubStored,
    ownSinks,
    count: (losses) => createIsolateCounts({ losses, host: () => ({ runtimeStats }) }),
    ...(shards && {
      collect: (losses) =>
        createCollection({
          shards,
          config,
          losses,
          host: () => ({ runtimeStats }),
          predictions: createPredictionGathering({
            shards,
            retentionDays: config.monitoring.feedbackRetentionDays,
            catalog: () => catalog,
            editor: () => routingEditor,
            audit: () => audit,
            sink: () => sink,
            onLost: (count) => telemetry.collection?.lose("predictions", count),
          }),
        }),
    }),
  });
  const { collection, isolateTotals } = telemetry;
  const monitoring = createMonitoringReader(shards, () => catalog);
  const { sink, eventLog, statistics, cacheStatistics, shadowStatistics } = telemetry;
  const { stored, objects, encryption } = createObjects(env.MODELS, config);
  const signatures = createSignatures(config.signingKeys);
  const store = createModelStore(objects, { checkManifest: signatures.checkManifest });
  const uploadStore = createUploadStore(objects);
  const { host, hasOwnIsolate, runtimeStats, tools } = createHost(env, config, store, overrides);
  const {
    cache,
    purgeLog,
    inventory: entries,
  } = createCache(env, config, async (erasures) => {
    await removeEvents(eventLog, erasures.map(toSelector));
    if (collection) await removeEvents(collection, erasures.map(toSelector));
    await host.dropKept();
  });
  const enabled = config.cache.tiers.length > 0;
  const profileStore = createProfileStore(objects);
  const catalog = createCatalog(store, {
    listingTtlSeconds: config.catalogTtlSeconds,
    readProfile: createKnownProfiles(profileStore),
  });
  const router = createRouter(catalog);
  const routings = createRoutingStore(objects);
  const routingEditor = createRoutingEditor(
    { ...routings, versions: store.versions },
    { onChange: catalog.forget },
  );
  const inventory = createObjectInventory(objects);
  const collected = shards && createCollected(shards, store);
  const deleter = createVersionDeleter({
    inventory,
    store: { ...routings, versions: store.versions },
    editor: routingEditor,
    effects: {
      async forget({ name, version: number }, manifest) {
        catalog.forget(name);
        statistics.forget(name, number);
        shadowStatistics.forget(name, number);
        isolateTotals.forget(name, number);
        if (collected) keepAlive(collected.forget({ name, version: number }));
        if (manifest) await host.unload({ manifest });
      },
      purge: async ({ name, version: number }) => {
        await cache.purge({ model: name, version: number });
      },
    },
  });
  const garbage = createGarbageCollector({ inventory, routings, deleter });
  const { maxInFlight, maxQueueMs, timeoutMs: maxTimeoutMs } = config;
  const admissionOptions = { maxInFlight, maxQueueMs, maxTimeoutMs };
  const admission = createAdmissionByIsolate({
    shared: createAdmission(admissionOptions),
    // The isolate has the queue, where the requests of all isolates of this Worker meet.
    createOwn: () => createAdmission({ ...admissionOptions, isQueued: false }),
    isOwn: hasOwnIsolate,
  });
  const { privacyKey } = config;
  const { LOADER, RATE_LIMITER, KEYS, METRICS, ASSETS } = env;
  const parts = { LOADER, RATE_LIMITER, KEYS, METRICS, ASSETS, PRIVACY_KEY: privacyKey };
  for (const missing of createMissingPartNotices(parts)) sink.emit(missing);
  const keyAuthority = createKeyAuthority(env);
  const audit = createAuditRecorder({ authority: keyAuthority, sink, scrub: scrubStored });
  const bodies = createBodyBudget({ limitBytes: config.maxBodiesBytes });
  const { maxBodyBytes: maxBytes } = config;
  const inference = createShadow({
    ...createInference(host, cache, config, hasOwnIsolate),
    // Apart, so that no request waits for an identical copy, which gives way to all requests.
    copies: createInference(host, cache, config, hasOwnIsolate),
    copyToShadow: createShadowCopies({
      admission,
      bodies,
      sink,
      maxBytes,
      timeoutMs: maxTimeoutMs,
    }),
    maxBytes,
  });
  const captures =
    privacyKey && createCaptureStore(stored, () => derivePrivacyKey(privacyKey, "captures"));
  const usesDatacenter = config.cache.tiers.includes("datacenter");
  const personalData: readonly PersonalDataStore[] = [
    // First, because it has no isolate use or store what was there before.
    createPredictionsData({ cache, inventory: entries, usesDatacenter, decode: decodeEntry }),
    ...(captures ? [createCapturesData(captures)] : []),
    createPrefixesData(host),
    createEventsData(eventLog),
    ...(keyAuthority ? [createKeysData(keyAuthority)] : []),
    ...(shards ? [createCollectedData(shards)] : []),
  ];
  const { isErased } = cache;
  const { infer, runTask } = createObserving(
    captures
      ? createCapturing({
          ...inference,
          storeCapture: createCaptures({ store: captures, isErased, bodies, sink }),
        })
      : inference,
  );
  return {
    config,
    authenticator: createAuthenticator({
      ...config,
      authority: keyAuthority,
      identityProviders: createTokenProviders(config, sink),
      sink,
    }),
    limiter: keyAuthority && createLimiter({ authority: keyAuthority, longestMs: maxTimeoutMs }),
    cpuCosts: createCpuCosts(),
    floodGuard: createFloods(env, sink),
    prefix: overrides.prefix ?? "",
    serverVersion: version,
    sink,
    tracing,
    scrubReply: createScrubber(secrets.filter(isStrong), { findsCut: false }),
    eventLog: monitoring ? createLiveEvents(eventLog, monitoring) : eventLog,
    shadowStatistics,
    statistics,
    repository: createRepository(catalog, host, createManifestSurvey(catalog, store)),
    admission,
    bodies,
    catalog,
    router,
    routing: createRoutingAdministration(routings, routingEditor),
    profiles: createProfileAdministration(profileStore, catalog),
    ...createDrift({
      catalog,
      host,
      shards,
      rules: config.drift,
      retention: config.monitoring.policy,
    }),
    inspector: createModelInspector(store, catalog),
    infer: limitBatch(infer),
    responseCache: createResponseCache(cache, { enabled }),
    subjects: privacyKey && createSubjects(privacyKey),
    cache,
    encryption,
    cacheStats: () => ({
      ...cacheStatistics.read(),
      failedWrites: cache.failedWrites(),
      isolate: cache.usage(),
    }),
    runTask,
    drawAnswer: createDrawAnswer(tools),
    ...createExplaining({
      host,
      store,
      cache,
      config,
      tools,
      objects,
      catalog,
    }),
    modelReadiness: createModelReadiness(host, store, admission),
    serverReadiness: createServerReadiness(store, { requiredObject: config.readyObject }),
    uploads: createUploads(store, uploadStore),
    publisher: createPublisher(store, uploadStore, host, catalog, {
      maxModelBytes: config.maxModelBytes,
      signatures,
      tombstones: createTombstones(routings, routingEditor),
      exportBudget: env.LOADER
        ? { bytes: config.ownIsolateBudgetBytes, setting: "OWN_ISOLATE_BUDGET_BYTES" }
        : { bytes: config.memoryBudgetBytes, setting: "MEMORY_BUDGET_BYTES" },
    }),
    keyAuthority,
    monitoring,
    alerts: shards?.(SERVICE_SHARD),
    metrics: createMetrics(monitoring, isolateTotals),
    reports: createReportsOf(monitoring, config),
    ...createAccuracyServices(shards, catalog, collection),
    audit,
    deleter,
    garbage,
    privacy: privacyKey && createPrivacy(privacyKey, personalData),
    sweep: createSweep({ audit, garbage, personalData, purgeLog, collected, sink }),
    host,
    assets: ASSETS && createStaticAssets(ASSETS),
  };
}

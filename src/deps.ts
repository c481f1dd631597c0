import { version } from "../package.json";
import { decodeEntry } from "./cache/entry.ts";
import { createEntryStore, type EntryStore } from "./cache/entry-store.ts";
import { createResponseCache } from "./cache/response-cache.ts";
import { type Config, parseConfig, readSecrets } from "./config.ts";
import type { FloodGuard } from "./domain/access/flood-guard.ts";
import type { IdentityProvider } from "./domain/access/identity-provider.ts";
import type { KeyAuthority } from "./domain/access/key-authority.ts";
import { type AuditRecorder, recordWork } from "./domain/audit/audit-recorder.ts";
import type { BucketEncryption } from "./domain/bucket-encryption.ts";
import type { Purge, PurgeLog } from "./domain/cache.ts";
import { toSelector } from "./domain/data-selector.ts";
import { type ErasureEvent, EVENT_SCHEMA_VERSION } from "./domain/event.ts";
import { createGuardEvent } from "./domain/guard-event.ts";
import type { ModelHost } from "./domain/model-host.ts";
import type { ObjectStore } from "./domain/object-store.ts";
import type { EventSink, ModelStore } from "./domain/ports.ts";
import type { OnnxflareEnv } from "./env.ts";
import { createAuditRecorder } from "./guard/audit-recorder.ts";
import { createAuthenticator } from "./guard/authenticator.ts";
import { createCpuCosts } from "./guard/cpu-costs.ts";
import { createFloodGuard } from "./guard/flood-guard.ts";
import { createLimiter } from "./guard/limiter.ts";
import { type AuthorityStub, createRemoteAuthority } from "./guard/remote-authority.ts";
import { createIdentityProviders } from "./guard/tokens/create-identity-providers.ts";
import { toCacheableRun } from "./hosts/cacheable-run.ts";
import { createCellHost } from "./hosts/cell-host.ts";
import { createIsolateHost } from "./hosts/isolate/worker/isolate-host.ts";
import type { IsolateCode } from "./hosts/isolate/worker/isolate-loader.ts";
import { createPlacedHost, type PlacedHost } from "./hosts/placed-host.ts";
import { createAdmission } from "./inference/admission.ts";
import { createAdmissionByIsolate } from "./inference/admission-by-isolate.ts";
import { createAnswerCached } from "./inference/answer-cached.ts";
import { createBodyBudget } from "./inference/body-budget.ts";
import { createBypassOf } from "./inference/cache-directives.ts";
import { createCaptures } from "./inference/captures.ts";
import { createCapturing } from "./inference/capturing.ts";
import { limitBatch } from "./inference/limit-batch.ts";
import { createRunCached } from "./inference/run-cached.ts";
import { createRunTask } from "./inference/run-task.ts";
import { createShadow, type Inference } from "./inference/shadow.ts";
import { createShadowCopies } from "./inference/shadow-copies.ts";
import { ISOLATE_CODE } from "./isolate-code.ts";
import { sweepLateData } from "./privacy/late-data.ts";
import type { PersonalDataStore } from "./privacy/personal-data-store.ts";
import { createPrivacy } from "./privacy/privacy.ts";
import { derivePrivacyKey } from "./privacy/privacy-keys.ts";
import { createCapturesData } from "./privacy/stores/captures.ts";
import { createEventsData, removeEvents } from "./privacy/stores/events.ts";
import { createKeysData } from "./privacy/stores/keys.ts";
import { createPredictionsData } from "./privacy/stores/predictions.ts";
import { createPrefixesData } from "./privacy/stores/prefixes.ts";
import { createSubjects } from "./privacy/subject-hashes.ts";
import type { Services } from "./protocols/services.ts";
import { createCatalog } from "./registry/catalog.ts";
import { createGarbageCollector, type GarbageCollector } from "./registry/collect-garbage.ts";
import { createVersionDeleter } from "./registry/delete-version.ts";
import { toGarbageEvent } from "./registry/garbage-event.ts";
import { createManifestSurvey } from "./registry/manifest-survey.ts";
import { createModelInspector } from "./registry/model-inspector.ts";
import { createPublisher } from "./registry/publish.ts";
import { createModelReadiness } from "./registry/readiness.ts";
import { createRepository } from "./registry/repository.ts";
import { createRoutingAdministration } from "./registry/routing/administration.ts";
import { createRouter } from "./registry/routing/router.ts";
import { createRoutingEditor } from "./registry/routing/routing-editor.ts";
import { createServerReadiness } from "./registry/server-readiness.ts";
import { sweepGarbage } from "./registry/sweep-garbage.ts";
import { createTombstones } from "./registry/tombstones.ts";
import { createUploads } from "./registry/uploads.ts";
import { createSignatures } from "./registry/verify-signature.ts";
import { createModelPool } from "./runtime/model-pool.ts";
import { createScrubber } from "./shared/scrub-secrets.ts";
import { createCaptureStore } from "./storage/capture-store.ts";
import { createDatacenterCacheTier } from "./storage/datacenter-cache-tier.ts";
import { createEncryptedObjectStore } from "./storage/encrypted-object-store.ts";
import { createBucketEncryption } from "./storage/encryption/encrypt-bucket.ts";
import { KeyRing } from "./storage/encryption/key-ring.ts";
import { createKvCacheTier, createKvPurgeLog } from "./storage/kv-cache-tier.ts";
import { createKvEntryInventory } from "./storage/kv-entry-inventory.ts";
import { createModelStore } from "./storage/model-store.ts";
import { createObjectInventory } from "./storage/object-inventory.ts";
import { createR2ObjectStore } from "./storage/r2-object-store.ts";
import { createRoutingStore } from "./storage/routing-store.ts";
import { createTimedNamespace } from "./storage/timed-namespace.ts";
import { createUploadStore } from "./storage/upload-store.ts";
import { createBudgetedDecoder } from "./tasks/image/budgeted-decoder.ts";
import { createTask } from "./tasks/registry.ts";
import { createCacheStatisticsSink } from "./telemetry/cache-statistics.ts";
import { createConsoleSink } from "./telemetry/console-sink.ts";
import { createEventLog } from "./telemetry/event-log.ts";
import { createFanOutSink } from "./telemetry/fan-out-sink.ts";
import { createStatisticsSink } from "./telemetry/inference-statistics.ts";
import { createMissingPartNotices } from "./telemetry/missing-parts.ts";
import { createScrubbingSink } from "./telemetry/scrubbing-sink.ts";
import { createShadowStatisticsSink } from "./telemetry/shadow-statistics.ts";

export interface ServiceOverrides {
  /** In the cells of this isolate. */
  readonly createTask?: typeof createTask;
  readonly isolateCode?: IsolateCode;
  /** The path under which the service is mounted, with which links begin. */
  readonly prefix?: string;
  /** Receives the events too. */
  readonly sink?: EventSink;
}

/**
 * The composition root: the only place that sees bindings and adapters together.
 * @param overrides what another Worker than the default one does differently
 * @throws Error that names the missing binding or the invalid setting
 */
export function createServices(env: OnnxflareEnv, overrides: ServiceOverrides = {}): Services {
  const config = parseConfig(env);
  if (!env.MODELS) throw new Error("the R2 binding MODELS is missing: see wrangler.toml");
  const { stored, objects, encryption } = createObjects(env.MODELS, config);
  const signatures = createSignatures(config.signingKeys);
  const store = createModelStore(objects, { checkManifest: signatures.checkManifest });
  const uploadStore = createUploadStore(objects);
  const { host, hasOwnIsolate } = createHost(env, config, store, overrides);
  const {
    cache,
    purgeLog,
    inventory: entries,
  } = createCache(env, config, async (erasures) => {
    await removeEvents(eventLog, erasures.map(toSelector));
    await host.dropKept();
  });
  const enabled = config.cache.tiers.length > 0;
  const statistics = createStatisticsSink();
  const cacheStatistics = createCacheStatisticsSink();
  const catalog = createCatalog(store, { listingTtlSeconds: config.catalogTtlSeconds });
  const router = createRouter(catalog);
  const routings = createRoutingStore(objects);
  const routingEditor = createRoutingEditor(
    { ...routings, versions: store.versions },
    { onChange: catalog.forget },
  );
  const shadowStatistics = createShadowStatisticsSink();
  const inventory = createObjectInventory(objects);
  const deleter = createVersionDeleter({
    inventory,
    store: { ...routings, versions: store.versions },
    editor: routingEditor,
    effects: {
      async forget({ name, version: number }, manifest) {
        catalog.forget(name);
        statistics.forget(name, number);
        shadowStatistics.forget(name, number);
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
  const eventLog = createEventLog();
  const secrets = readSecrets(env);
  const scrubStored = createScrubber(secrets, { findsCut: true });
  const sink = createScrubbingSink(
    createFanOutSink(
      statistics,
      cacheStatistics,
      eventLog,
      shadowStatistics,
      ...(config.eventLog ? [createConsoleSink()] : []),
      ...(overrides.sink ? [overrides.sink] : []),
    ),
    scrubStored,
  );
  const { privacyKey } = config;
  const { LOADER, RATE_LIMITER, KEYS } = env;
  const parts = { LOADER, RATE_LIMITER, KEYS, PRIVACY_KEY: privacyKey };
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
  ];
  const { isErased } = cache;
  const { infer, runTask } = captures
    ? createCapturing({
        ...inference,
        storeCapture: createCaptures({ store: captures, isErased, bodies, sink }),
      })
    : inference;
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
    scrubReply: createScrubber(secrets.filter(isStrong), { findsCut: false }),
    eventLog,
    shadowStatistics,
    statistics,
    repository: createRepository(catalog, host, createManifestSurvey(catalog, store)),
    admission,
    bodies,
    catalog,
    router,
    routing: createRoutingAdministration(routings, routingEditor),
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
    audit,
    deleter,
    garbage,
    privacy: privacyKey && createPrivacy(privacyKey, personalData),
    sweep: createSweep({ audit, garbage, personalData, purgeLog, sink }),
    host,
  };
}

interface SweptParts {
  readonly audit: AuditRecorder;
  readonly garbage: GarbageCollector;
  readonly personalData: readonly PersonalDataStore[];
  readonly purgeLog: PurgeLog | undefined;
  readonly sink: EventSink;
}

/** The work of a scheduled run: each part of it is an event, and recorded by the audit log. */
function createSweep({ audit, garbage, personalData, purgeLog, sink }: SweptParts) {
  const sweeps = [
    async (at: number) => {
      const collected = await recordWork(
        audit,
        "sweepGarbage",
        async () => toGarbageEvent(await sweepGarbage(garbage, at)),
        ({ removed, removedBytes, failed }) => ({ after: { removed, removedBytes, failed } }),
      );
      sink.emit(collected);
    },
    async (at: number) => {
      const { erased, complete, problem } = await recordWork(
        audit,
        "sweepLateData",
        async () => sweepLateData(personalData, (await purgeLog?.list()) ?? [], at),
        (late) => ({ after: { erased: late.erased, complete: late.complete } }),
      );
      if (erased > 0 || !complete)
        sink.emit({ ...createErasureEvent(erased, complete), errorCode: problem });
    },
  ];
  return async (at: number): Promise<void> => {
    // One that fails does not keep the other from its work.
    const failed: unknown[] = [];
    for (const sweep of sweeps) await sweep(at).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  };
}

/** By tokens of the issuers that are configured, whose outages are events. */
function createTokenProviders({ tokens, access }: Config, sink: EventSink): IdentityProvider[] {
  return createIdentityProviders({
    tokens,
    access,
    fetch: (url, init) => fetch(url, init),
    now: Date.now,
    onChange: (issuer, outage) =>
      sink.emit(
        createGuardEvent({
          kind: outage ? "issuer_unreachable" : "issuer_reachable",
          issuer,
          ...outage,
        }),
      ),
  });
}

/** The bucket, encrypted when there is a key. */
function createObjects(
  bucket: R2Bucket,
  { encryption, storageTimeoutMs: timeoutMs }: Config,
): {
  /** As it is stored. */
  stored: ObjectStore;
  objects: ObjectStore;
  encryption: BucketEncryption | undefined;
} {
  const stored = createR2ObjectStore(bucket, { timeoutMs });
  if (!encryption) return { stored, objects: stored, encryption: undefined };
  const keys = new KeyRing(encryption.key, encryption.oldKeys);
  const objects = createEncryptedObjectStore(stored, keys);
  return { stored, objects, encryption: createBucketEncryption(stored, objects, keys) };
}

/** The name of the one object that has all keys. */
const AUTHORITY = "keys";

function createKeyAuthority({ KEYS: namespace }: OnnxflareEnv): KeyAuthority | undefined {
  return namespace && createRemoteAuthority(() => namespace.getByName(AUTHORITY) as AuthorityStub);
}

/** The host of all versions: this isolate's cells, and isolates of single models where the binding for them exists. */
function createHost(
  env: OnnxflareEnv,
  config: Config,
  store: ModelStore,
  { createTask: createTaskOf = createTask, isolateCode: code = ISOLATE_CODE }: ServiceOverrides,
): PlacedHost {
  const runtime = createModelPool({ budgetBytes: config.memoryBudgetBytes });
  const tools = { decodeImage: createBudgetedDecoder(runtime) };
  const cells = createCellHost({
    runtime,
    createTask: (manifest, readFile) => createTaskOf(manifest, readFile, tools),
  })(store);
  const loader = env.LOADER;
  if (!loader) return { host: cells, hasOwnIsolate: () => false };
  const { maxInFlight, maxQueueMs, timeoutMs, placement, ownIsolateFromBytes } = config;
  const budgetBytes = config.ownIsolateBudgetBytes;
  const settings = { budgetBytes, maxInFlight, maxQueueMs, timeoutMs };
  return createPlacedHost({
    cells,
    isolates: createIsolateHost({ loader, code, store, settings }),
    rules: { placement, ownFromBytes: ownIsolateFromBytes },
  });
}

/** What runs models and tasks, by way of the cache. */
function createInference(
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

/** Whether a reply may tell that a text is the secret: a weaker one could be guessed so, where nothing slows guesses. */
function isStrong({ length }: string): boolean {
  return length >= 20;
}

/** `undefined` without the binding. */
function createFloods({ RATE_LIMITER }: OnnxflareEnv, sink: EventSink): FloodGuard | undefined {
  if (!RATE_LIMITER) return undefined;
  return createFloodGuard(RATE_LIMITER, () =>
    sink.emit(createGuardEvent({ kind: "flood_guard_unreachable" })),
  );
}

function createErasureEvent(erased: number, complete: boolean): ErasureEvent {
  const time = new Date().toISOString();
  return { event: "erasure", schemaVersion: EVENT_SCHEMA_VERSION, time, erased, complete };
}

/**
 * The entry store with the tiers that are enabled and whose bindings exist.
 * @param onErasures called with erasures that other isolates have made
 */
function createCache(
  env: OnnxflareEnv,
  { cache, storageTimeoutMs }: Config,
  onErasures: (erasures: readonly Purge[]) => Promise<void>,
) {
  const { tiers, isolateBytes, maxEntryBytes, readTimeoutMs } = cache;
  const kv = env.CACHE && createTimedNamespace(env.CACHE, storageTimeoutMs);
  // Independent of the tiers: other isolates read the purges there.
  const purgeLog = kv && createKvPurgeLog(kv);
  const localBytes = tiers.includes("isolate") ? isolateBytes : 0;
  const entries = createEntryStore(
    [
      ...(tiers.includes("datacenter") ? [createDatacenterCacheTier(caches.default)] : []),
      ...(tiers.includes("kv") && kv ? [createKvCacheTier(kv)] : []),
    ],
    purgeLog,
    { localBytes, maxEntryBytes, readTimeoutMs, writeTimeoutMs: storageTimeoutMs, onErasures },
  );
  // Also of a tier that was switched off: its entries are still there.
  return { cache: entries, purgeLog, inventory: kv && createKvEntryInventory(kv) };
}

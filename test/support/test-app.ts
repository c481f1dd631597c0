import { readModelFile, readModelFolder } from "../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../scripts/project.ts";
import { createApp } from "../../src/app.ts";
import { createEntryStore } from "../../src/cache/entry-store.ts";
import { type Config, parseConfig } from "../../src/config.ts";
import type { RequestEvent } from "../../src/domain/event.ts";
import type { EventSink } from "../../src/domain/ports.ts";
import { NO_TRACING } from "../../src/domain/tracing.ts";
import { createAuditRecorder } from "../../src/guard/audit-recorder.ts";
import { createAuthenticator } from "../../src/guard/authenticator.ts";
import { createAdmission } from "../../src/inference/admission.ts";
import { createBodyBudget } from "../../src/inference/body-budget.ts";
import type { Protocol } from "../../src/protocols/protocol.ts";
import type { Services } from "../../src/protocols/services.ts";
import { createCatalog } from "../../src/registry/catalog.ts";
import { createManifestSurvey } from "../../src/registry/manifest-survey.ts";
import { createRepository } from "../../src/registry/repository.ts";
import { createRouter } from "../../src/registry/routing/router.ts";
import { createMemoryModelStore } from "../../src/storage/memory-model-store.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";

/**
 * The app without an engine, for `app.request`: the models of models/ in memory, and the services that a test sets. The
 * engine is tested in workerd.
 */
export interface TestApp {
  readonly events: RequestEvent[];
  /** Waits for all work that continues after the responses. */
  settle(): Promise<void>;
  request(path: string, init?: RequestInit): Promise<Response>;
}

const objects = new Map<string, Uint8Array<ArrayBuffer>>();
for (const model of readModelFolder(projectPath("models"))) {
  const { manifest, manifestText } = model;
  objects.set(manifestKey(manifest), new Uint8Array(Buffer.from(manifestText)));
  for (const { path } of manifest.files)
    objects.set(fileKey(manifest, path), new Uint8Array(readModelFile(model, path)));
}

export function unexpected(): never {
  throw new Error("this test calls no such service");
}

/** These services, and for every other one a function that fails. */
export function only(services: Partial<Services>): Services {
  return new Proxy(services as Services, {
    get: (known, name) => (name in known ? Reflect.get(known, name) : unexpected),
  });
}

/** By default anybody may predict; an authenticator is made of the whole configuration. */
export interface TestServices extends Partial<Omit<Services, "config">> {
  readonly config?: Config;
}

export function createTestApp(
  changes: TestServices = {},
  protocols?: readonly Protocol[],
): TestApp {
  const events: RequestEvent[] = [];
  const { config = parseConfig({ PUBLIC_PREDICT: "true" }) } = changes;
  const store = createMemoryModelStore(objects);
  const catalog = createCatalog(store, { listingTtlSeconds: 10 });
  const host = { state: unexpected, unload: unexpected };
  const ignored: EventSink = { emit: () => undefined };
  const services: Partial<Services> = {
    audit: createAuditRecorder({ authority: undefined, sink: changes.sink ?? ignored }),
    config,
    authenticator: createAuthenticator({
      ...config,
      authority: changes.keyAuthority,
      sink: ignored,
    }),
    keyAuthority: undefined,
    privacy: undefined,
    subjects: undefined,
    limiter: undefined,
    floodGuard: undefined,
    prefix: "",
    scrubReply: (text) => text,
    serverVersion: "1.2.3",
    sink: { emit: (event) => event.event === "request" && events.push(event) },
    tracing: NO_TRACING,
    admission: createAdmission({ maxInFlight: 10, maxQueueMs: 1000, maxTimeoutMs: 10_000 }),
    bodies: createBodyBudget({ limitBytes: 100_000_000 }),
    catalog,
    router: createRouter(changes.catalog ?? catalog),
    repository: createRepository(catalog, host, createManifestSurvey(catalog, store)),
    cache: createEntryStore([], undefined, {
      localBytes: 0,
      maxEntryBytes: 0,
      readTimeoutMs: 1000,
    }),
    responseCache: { accepts: () => false, stores: () => false, lookup: () => undefined },
    ...changes,
  };
  const app = createApp(only(services), protocols);
  let pending: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => void pending.push(work),
    passThroughOnException: () => undefined,
    props: {},
  } as unknown as ExecutionContext;
  return {
    events,
    async settle() {
      const work = pending;
      pending = [];
      await Promise.allSettled(work);
    },
    request: async (path, init) => app.request(path, init, {}, context),
  };
}

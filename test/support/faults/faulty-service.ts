import { vi } from "vitest";
import { readModelFile } from "../../../packages/cli/src/local/model-folder.ts";
import type { TelemetryEvent } from "../../../src/domain/event.ts";
import { createOnnxflare, type OnnxflareSettings } from "../../../src/library.ts";
import { fileKey, manifestKey } from "../../../src/storage/model-keys.ts";
import { findModel } from "../publish.ts";
import type { TestResponse } from "../service.ts";
import { FaultPlan } from "./fault-plan.ts";
import { withFaults } from "./faulty-binding.ts";
import { createMemoryBindings, type MemoryBindings } from "./memory-bindings.ts";

const ADMIN_KEY = "a-key-for-tests";

/** The service as a Worker has it, over bindings in memory with planned faults. The clock is the test's (`vi.useFakeTimers`). */
export interface FaultyService {
  readonly plan: FaultPlan;
  readonly events: readonly TelemetryEvent[];
  /** By the virtual clock. */
  readonly elapsedMs: number;
  /** What storage really has. */
  readonly storage: MemoryBindings;
  /** With the admin key by default; the response, when it and all that follows have ended. */
  request(path: string, init?: RequestInit): Promise<TestResponse>;
  post(path: string, value: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  /** Does something whose requests have their responses as soon as they are there. */
  answer(work: (service: FaultyService) => Promise<TestResponse>): Promise<TestResponse>;
  /** Waits for all that follows from the requests so far. */
  settle(): Promise<void>;
  /** Another isolate over the same storage. */
  restart(): void;
}

/**
 * @param models that are published; their files are read once
 * @param hasAuthority whether there is the binding KEYS; without it every fault is one of storage
 * @param hasCollector whether there is the binding METRICS
 */
export async function createFaultyService(
  models: readonly string[],
  settings: OnnxflareSettings = {},
  hasAuthority = false,
  hasCollector = false,
): Promise<FaultyService> {
  const storage = createMemoryBindings();
  for (const name of models) {
    const model = findModel(name);
    const { manifest, manifestText } = model;
    for (const { path } of manifest.files)
      await storage.MODELS.put(fileKey(manifest, path), readModelFile(model, path));
    await storage.MODELS.put(manifestKey(manifest), Buffer.from(manifestText));
  }
  const plan = new FaultPlan();
  const authority = withFaults(storage.authority, "KEYS", plan);
  const env = {
    MODELS: withFaults(storage.MODELS, "MODELS", plan),
    CACHE: withFaults(storage.CACHE, "CACHE", plan),
    ...(hasAuthority && {
      KEYS: { getByName: () => authority } as unknown as DurableObjectNamespace,
    }),
    ...(hasCollector && {
      METRICS: {
        getByName: (shard: string) => withFaults(storage.collector(shard), "METRICS", plan),
      },
    }),
    ADMIN_KEY,
    CATALOG_TTL_SECONDS: 0,
    EVENT_LOG: "off",
    ...settings,
  };
  vi.stubGlobal("caches", { default: withFaults(storage.cache, "DATACENTER", plan) });
  const events: TelemetryEvent[] = [];
  const startedAt = Date.now();
  const start = () => createOnnxflare({ onEvent: (event) => void events.push(event) });
  let onnxflare = start();

  /** What goes on after responses. */
  const pending: Promise<unknown>[] = [];
  let settles = true;

  async function settle(): Promise<void> {
    for (let work = pending.shift(); work; work = pending.shift())
      await inVirtualTime(
        work.catch(() => undefined),
        () => true,
        IDLE_MS,
      );
  }

  async function request(path: string, init: RequestInit = {}): Promise<TestResponse> {
    const context = { waitUntil: (work: Promise<unknown>) => void pending.push(work) };
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${ADMIN_KEY}`);
    const body = init.body as
      | { readonly byteLength?: number; readonly length?: number }
      | undefined;
    if (body) headers.set("content-length", String(body.byteLength ?? body.length));
    const answer = async (): Promise<TestResponse> => {
      const request = new Request(`https://onnxflare.test${path}`, { ...init, headers });
      const response = await onnxflare.fetch(request, env, context);
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.endsWith("json");
      const read = { status: response.status, headers: response.headers };
      return { ...read, body: isJson && text ? JSON.parse(text) : text };
    };
    const response = await inVirtualTime(answer(), () => plan.isHanging);
    if (settles) await settle();
    return response;
  }

  const service: FaultyService = {
    plan,
    events,
    storage,
    get elapsedMs() {
      return Date.now() - startedAt;
    },
    request,
    settle,
    async answer(work) {
      settles = false;
      try {
        return await work(service);
      } finally {
        settles = true;
      }
    },
    post: (path, value, headers = {}) =>
      request(path, {
        method: "POST",
        body: JSON.stringify(value),
        headers: { "content-type": "application/json", ...headers },
      }),
    restart() {
      onnxflare = start();
    },
  };
  return service;
}

/** Turns of the event loop in which nothing happens when something hangs. */
const TURNS = 20;
const STEP_MS = 500;
/** What is computed after a response, such as a digest, takes less. */
const IDLE_MS = 10;
const MAX_REAL_MS = 30_000;

/**
 * Waits for work. Time passes as it really does, but in long steps when nothing happens.
 * @param mayWait whether the work waits for time to pass, as far as is known
 * @param idleMs how long it must really take before that is so
 */
async function inVirtualTime<T>(work: Promise<T>, mayWait: () => boolean, idleMs = 0): Promise<T> {
  let isDone = false;
  const end = (): void => {
    isDone = true;
  };
  work.then(end, end);
  const startedAt = realMs();
  let passedMs = 0;
  let steppedAt = startedAt;
  while (realMs() - startedAt < MAX_REAL_MS) {
    for (let turn = 0; turn < TURNS && !isDone; turn++) {
      await new Promise((resume) => setImmediate(resume));
      const sinceMs = Math.floor(realMs() - startedAt) - passedMs;
      vi.advanceTimersByTime(sinceMs);
      passedMs += sinceMs;
    }
    if (isDone) return work;
    if (!mayWait() || realMs() - steppedAt < idleMs) continue;
    steppedAt = realMs();
    vi.advanceTimersByTime(STEP_MS);
  }
  throw new Error("the work does not end");
}

function realMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

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
  /** With the admin key; the response, when it and all that follows have ended. */
  request(path: string, init?: RequestInit): Promise<TestResponse>;
  post(path: string, value: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  /** Another isolate over the same storage. */
  restart(): void;
}

/** The models that are published; their files are read once. */
export async function createFaultyService(
  models: readonly string[],
  settings: OnnxflareSettings = {},
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
  const env = {
    MODELS: withFaults(storage.MODELS, "MODELS", plan),
    CACHE: withFaults(storage.CACHE, "CACHE", plan),
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

  async function request(path: string, init: RequestInit = {}): Promise<TestResponse> {
    const pending: Promise<unknown>[] = [];
    const context = { waitUntil: (work: Promise<unknown>) => void pending.push(work) };
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${ADMIN_KEY}`);
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
    const response = await inVirtualTime(plan, answer());
    for (let at = 0; at < pending.length; at++)
      await inVirtualTime(
        plan,
        Promise.resolve(pending[at]).catch(() => undefined),
      );
    return response;
  }

  return {
    plan,
    events,
    storage,
    get elapsedMs() {
      return Date.now() - startedAt;
    },
    request,
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
}

/** Turns of the event loop in which nothing happens when something hangs. */
const TURNS = 20;
const STEP_MS = 500;
const MAX_ROUNDS = 5000;

/** Waits for work. While a call hangs and nothing else happens, time passes at once. */
async function inVirtualTime<T>(plan: FaultPlan, work: Promise<T>): Promise<T> {
  let isDone = false;
  const end = (): void => {
    isDone = true;
  };
  work.then(end, end);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    for (let turn = 0; turn < TURNS && !isDone; turn++) {
      await new Promise((resume) => setImmediate(resume));
      vi.advanceTimersByTime(1);
    }
    if (isDone) return work;
    if (plan.isHanging) vi.advanceTimersByTime(STEP_MS);
  }
  throw new Error("the work does not end");
}

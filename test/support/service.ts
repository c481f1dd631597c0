import { inject } from "vitest";
import { keyRingOf } from "../../packages/cli/src/local/encryption.ts";
import { seedModels } from "../../packages/cli/src/local/seed.ts";
import {
  type KeyValueStore,
  type LogLine,
  type ModelBucket,
  startLocalWorker,
} from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import type { RequestEvent } from "../../src/domain/event.ts";
import { findModel, publishAs } from "./publish.ts";

/** A response that was read to its end; `body` is its JSON, or its text if it is not JSON. */
export interface TestResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** The built Worker in workerd, with models of `models/` in its bucket. */
export interface Service {
  readonly origin: string;
  readonly bucket: ModelBucket;
  /** The namespace of cached predictions and purges. */
  readonly kv: KeyValueStore;
  /** Every console line of the Worker so far. */
  readonly logs: readonly LogLine[];
  request(path: string, init?: RequestInit): Promise<TestResponse>;
  /** POSTs a value as JSON. */
  post(path: string, value: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  /** Waits for the event of a request: the console's output arrives after the response. */
  event(requestId: string): Promise<RequestEvent>;
  dispose(): Promise<void>;
}

export interface ServiceOptions {
  /**
   * `[vars]` of wrangler.toml, to be changed. By default, new versions are served at
   * once, every prediction is computed and not cached, anybody may predict, and no request is refused
   * because the machine is slow.
   */
  readonly vars?: Readonly<Record<string, string>>;
  /** Names of the models to publish; all of `models/` when left out, which takes longer. */
  readonly models?: readonly string[];
  /** The folder of another build than the project's own. */
  readonly outdir?: string;
  /** Names of bindings of wrangler.toml that the Worker does not get. */
  readonly withoutBindings?: readonly string[];
  /** Of workerd, beside those of wrangler.toml. */
  readonly compatibilityFlags?: readonly string[];
}

export async function startService({
  vars,
  models,
  outdir = inject("workerBuild"),
  compatibilityFlags = [],
  withoutBindings = [],
}: ServiceOptions = {}): Promise<Service> {
  const logs: LogLine[] = [];
  const waiting = new Map<string, (event: RequestEvent) => void>();
  const worker = await startLocalWorker({
    outdir,
    compatibilityFlags,
    withoutBindings,
    vars: { CATALOG_TTL_SECONDS: "0", CACHE_TIERS: "", MAX_QUEUE_MS: "1000000", ...vars },
    onLog: (line) => {
      logs.push(line);
      const event = parseEvent(line);
      if (event) waiting.get(event.requestId)?.(event);
    },
  });
  const bucket = await worker.bucket();
  const keys = keyRingOf(vars ?? {});
  if (!models) await seedModels(bucket, projectPath("models"), undefined, keys);
  for (const name of models ?? []) {
    const model = findModel(name);
    await publishAs(bucket, model, model.manifest, keys);
  }

  async function request(path: string, init?: RequestInit): Promise<TestResponse> {
    const response = await fetch(new URL(path, worker.url), init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.endsWith("json");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text ? JSON.parse(text) : text,
    };
  }

  return {
    origin: worker.url.origin,
    bucket,
    kv: await worker.kv("CACHE"),
    logs,
    request,
    post: (path, value, headers = {}) =>
      request(path, {
        method: "POST",
        body: JSON.stringify(value),
        headers: { "content-type": "application/json", ...headers },
      }),
    event: (requestId) => {
      const logged = logs.map(parseEvent).find((event) => event?.requestId === requestId);
      if (logged) return Promise.resolve(logged);
      return new Promise((resolve) => waiting.set(requestId, resolve));
    },
    dispose: () => worker.dispose(),
  };
}

function parseEvent({ message }: LogLine): RequestEvent | undefined {
  return message.startsWith('{"event":"request"') ? JSON.parse(message) : undefined;
}

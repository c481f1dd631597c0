import { request } from "node:http";
import { expect } from "vitest";
import type { CacheStatistics } from "../../src/domain/cache-statistics.ts";
import type { RequestEvent } from "../../src/domain/event.ts";
import type { AdministeredService } from "./administration.ts";
import { cacheStatus } from "./cache-status.ts";
import { poll } from "./poll.ts";
import type { TestResponse } from "./service.ts";
import { type StartService, shareServices } from "./shared-services.ts";
import { readExpected } from "./tensors.ts";

/** The cache through its HTTP API, in workerd with its simulators of KV and the Cache API. */

export const TIERS = ["isolate", "datacenter", "kv"] as const;
export const IRIS = "/v2/models/iris-logistic/infer";
export const iris = readExpected("iris-logistic");
export const CACHED = { cache: { enabled: true, ttlSeconds: 600, scope: "public" } } as const;

/** Services of one test file that read and write remote tiers at every request, unless `vars` say otherwise. */
export function shareCacheServices(): StartService {
  const start = shareServices();
  return (vars, models) => start({ CACHE_OUTER_TIERS: "always", ...vars }, models);
}

let lastValue = 0;

/** A request that no other test sends, with a unique number for `y = x + bias`. */
export function createRequest(): { id?: string; inputs: object[] } {
  lastValue += 1;
  return { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [lastValue] }] };
}

export function eventOf(
  service: AdministeredService,
  response: TestResponse,
): Promise<RequestEvent> {
  return service.event(String(response.headers.get("x-request-id")));
}

/** Waits for the keys of entries in KV, which are written after the response. */
export function storedKeys(service: AdministeredService, count: number): Promise<string[]> {
  return poll(`${count} entries in KV`, async () => {
    const { keys } = await service.kv.list({ prefix: "prediction/" });
    return keys.length >= count ? keys.map(({ name }) => name) : undefined;
  });
}

/** Repeats a request until it is a hit: remote tiers are written after the first response. */
export function inferUntilHit(infer: () => Promise<TestResponse>): Promise<TestResponse> {
  return poll("a hit", async () => {
    const response = await infer();
    expect(response.status).toBe(200);
    return cacheStatus(response).hit ? response : undefined;
  });
}

export async function statistics(service: AdministeredService): Promise<CacheStatistics> {
  return (await service.administer("/cache")).body as CacheStatistics;
}

interface ModelStats {
  execution_count: number;
  inference_count: number;
  inference_stats: Record<string, { count: number; ns: number }>;
}

export async function modelStats(service: AdministeredService, name: string): Promise<ModelStats> {
  const { body } = await service.request(`/v2/models/${name}/stats`);
  const [stats] = (body as { model_stats: ModelStats[] }).model_stats;
  if (!stats) throw new Error(`no statistics of ${name}`);
  return stats;
}

/** POSTs without `fetch`, which adds `cache-control: no-cache` to a request with `if-none-match`. */
export function postPlainly(
  service: AdministeredService,
  path: string,
  value: unknown,
  headers: Record<string, string>,
): Promise<TestResponse> {
  return new Promise((resolve, reject) => {
    const options = {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
    };
    const sent = request(new URL(path, service.origin).href, options, (message) => {
      const { statusCode = 0, headers } = message;
      const texts = Object.entries(headers).map(([name, text]) => [name, String(text)]);
      message
        .setEncoding("utf8")
        .toArray()
        .then((parts) => {
          const all = new Headers(Object.fromEntries(texts));
          resolve({ status: statusCode, headers: all, body: parts.join("") });
        }, reject);
    });
    sent.on("error", reject).end(JSON.stringify(value));
  });
}

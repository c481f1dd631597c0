import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { VersionTotals } from "../../src/domain/monitoring/monitoring.ts";
import { createMonitoring } from "../../src/monitoring/reader.ts";
import { createRemoteMetrics, type MetricsStub } from "../../src/monitoring/remote-metrics.ts";
import { describeMetricsCollector } from "../contracts/metrics-collector.ts";
import { hostingCollector, sharingCollector } from "../support/collectors.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

/** Two Workers are two isolates of one deployment: they share models and the collector, and nothing else. */

const IRIS = JSON.stringify({
  inputs: [{ name: "features", shape: [1, 4], datatype: "FP32", data: [5.1, 3.5, 1.4, 0.2] }],
});

let workers: Workers;
let origins: readonly [string, string];

beforeAll(async () => {
  const common = {
    code: { outdir: inject("workerBuild") },
    bindings: { ADMIN_KEY: "a-key-for-tests", CACHE_TIERS: "", MONITORING_FLUSH_MS: "200" },
    r2Buckets: { MODELS: "models" },
  };
  workers = await startWorkers([
    { name: "first", ...common, ...hostingCollector() },
    { name: "second", ...common, ...sharingCollector("first") },
  ]);
  origins = [await workers.originOf("first"), await workers.originOf("second")];
  const model = findModel("iris-logistic");
  await publishAs(await workers.bucket("MODELS"), model, model.manifest);
});

afterAll(() => workers?.dispose());

async function shards() {
  const namespace = await workers.miniflare.getDurableObjectNamespace("METRICS", "first");
  return (shard: string) =>
    createRemoteMetrics(() => namespace.get(namespace.idFromName(shard)) as unknown as MetricsStub);
}

let created = 0;

describeMetricsCollector(async () => ({
  collector: (await shards())(`of a test ${++created}`),
  now: Date.now,
  settle: async () => undefined,
}));

async function infer(worker: 0 | 1, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${origins[worker]}/v2/models/iris-logistic/infer`, {
    method: "POST",
    body: IRIS,
    headers: { "content-type": "application/json", ...headers },
  });
}

function requestsOf(totals: readonly VersionTotals[], model: string): number {
  return totals
    .filter((each) => each.model === model)
    .reduce((sum, { aggregate }) => sum + aggregate.requests, 0);
}

describe("requests to two isolates", () => {
  test("are counted together, each once", async () => {
    for (let index = 0; index < 5; index++)
      for (const worker of [0, 1] as const) expect((await infer(worker)).status).toBe(200);
    const reader = createMonitoring(await shards());
    await poll("sum of all requests", async () => {
      const { value } = await reader.totals();
      return requestsOf(value, "iris-logistic") >= 10 || undefined;
    });
    const { value, unreachable } = await reader.totals();
    expect(unreachable).toEqual([]);
    expect(requestsOf(value, "iris-logistic")).toBe(10);
    const [version] = value.filter(({ model }) => model === "iris-logistic");
    expect(version?.aggregate).toMatchObject({
      outcomes: { 200: 10 },
      operations: { infer: 10 },
      durations: { total: { count: 10 } },
    });
  });

  test("are watched in one of them", async () => {
    const requestId = crypto.randomUUID();
    await infer(1, { "x-request-id": requestId });
    await poll("event of the other isolate", async () => {
      const response = await fetch(`${origins[0]}/admin/events?model=iris-logistic`, {
        headers: { authorization: "Bearer a-key-for-tests" },
      });
      return (await response.text()).includes(requestId) || undefined;
    });
  });
});

import { beforeAll, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { createAggregate } from "../../../src/domain/monitoring/aggregate.ts";
import type { VersionTotals } from "../../../src/domain/monitoring/monitoring.ts";
import { createMetricsText } from "../../../src/telemetry/prometheus/metrics-text.ts";
import { createTestKeys, type TestKeys } from "../../support/keys.ts";
import { parseMetrics } from "../../support/metric-traffic.ts";
import { createTestApp, type TestApp } from "../../support/test-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** `GET /metrics` by `app.request`; test/workerd/metrics.test.ts has real requests. */

let keys: TestKeys;
let now = 1_000_000;

beforeAll(() => {
  stubWorkersGlobals();
  keys = createTestKeys();
  return () => vi.unstubAllGlobals();
});

function totals(model: string, version: string): VersionTotals {
  return { model, version, aggregate: { ...createAggregate(), outcomes: { 200: 1 } } };
}

const read = vi.fn(async () => ({
  value: [[totals("", "")], [totals("iris", "1")], [totals("secret", "1")]].map((each) => ({
    model: each[0]?.model ?? "",
    totals: each,
  })),
  unreachable: [{ shard: "model:hidden", problem: "monitoring_unavailable" }],
}));

function createApp(vars: Record<string, string> = {}): TestApp {
  const monitoring = { metrics: read };
  return createTestApp({
    config: parseConfig({ ADMIN_KEY: "the-admin-key", ...vars }),
    keyAuthority: keys.authority,
    metrics: createMetricsText({
      monitoring,
      scope: "service",
      serverVersion: "1",
      now: () => now,
    }),
  });
}

async function get(app: TestApp, key?: string, init: RequestInit = {}) {
  const headers = { ...(key !== undefined && { authorization: `Bearer ${key}` }) };
  const response = await app.request("/metrics", { ...init, headers });
  const text = await response.text();
  const type = response.headers.get("content-type");
  return { status: response.status, type, text, samples: [...parseMetrics(text).keys()] };
}

const modelsIn = (samples: readonly string[]): string[] => [
  ...new Set(samples.flatMap((sample) => sample.match(/(?<=model=")[^"]*/) ?? [])),
];

test("it is text of Prometheus for a key with the scope metrics, and stored nowhere", async () => {
  const { key } = await keys.create({ scopes: ["metrics"] });
  const { status, type, samples } = await get(createApp(), key);
  expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  expect(modelsIn(samples)).toEqual(["", "iris", "secret"]);
  expect(samples).toContain('onnxflare_metrics_shard_unreachable{shard="model:hidden"}');
  const { headers } = await createApp().request("/metrics", {
    headers: { authorization: "Bearer the-admin-key" },
  });
  expect(headers.get("cache-control")).toBe("no-store");
});

test("without a key it is 401, unless PUBLIC_METRICS is on", async () => {
  const { key } = await keys.create({ scopes: ["predict"] });
  for (const vars of [{}, { PUBLIC_PREDICT: "true" }]) {
    expect((await get(createApp(vars))).status).toBe(401);
    expect((await get(createApp(vars), key)).status).toBe(403);
  }
  const open = createApp({ PUBLIC_METRICS: "on" });
  for (const each of [undefined, key]) expect((await get(open, each)).status).toBe(200);
});

test("a key of single models gets the numbers of these, and none of the service", async () => {
  const { key } = await keys.create({ scopes: ["metrics"], models: ["iris*"] });
  const { samples, text } = await get(createApp(), key);
  expect(modelsIn(samples)).toEqual(["iris"]);
  expect(text).not.toMatch(/secret|hidden/);
  expect(samples).toContain("onnxflare_metrics_shards_unreachable");
});

test("the collector is asked once a second at most, by whoever asks", async () => {
  const app = createApp({ PUBLIC_METRICS: "on" });
  read.mockClear();
  await get(app);
  now += 900;
  await get(app);
  expect(read).toHaveBeenCalledTimes(1);
  now += 200;
  await get(app);
  expect(read).toHaveBeenCalledTimes(2);
});

test("HEAD has the headers, and asks nobody", async () => {
  const app = createApp({ PUBLIC_METRICS: "on" });
  read.mockClear();
  const { status, type, text } = await get(app, undefined, { method: "HEAD" });
  expect([status, type, text]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8", ""]);
  expect(read).not.toHaveBeenCalled();
});

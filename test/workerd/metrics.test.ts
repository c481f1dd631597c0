import { afterAll, expect, test } from "vitest";
import {
  EXPECTED_METRICS,
  parseMetrics,
  publishMetricModels,
  sendMetricTraffic,
} from "../support/metric-traffic.ts";
import { poll } from "../support/poll.ts";
import { type Service, startService } from "../support/service.ts";

/** `GET /metrics` after requests of all kinds, in workerd; `npm run test:prometheus` checks the text by promtool. */

/** Samples of counters, summaries and histograms. */
const GROWING = /^(nv_\w+|\w+_(total|count|sum|bucket))(\{|$)/;

const services: Service[] = [];

afterAll(async () => {
  await Promise.all(services.map((service) => service.dispose()));
});

async function start(withoutBindings: readonly string[]): Promise<Service> {
  const vars = {
    MONITORING_FLUSH_MS: "100",
    PUBLIC_METRICS: "on",
    CACHE_TIERS: "isolate",
    EVENT_LOG: "off",
  };
  const service = await startService({ vars, models: [], withoutBindings });
  services.push(service);
  await publishMetricModels(service.bucket);
  await sendMetricTraffic(service.origin);
  return service;
}

async function read({ request }: Service): Promise<Map<string, number>> {
  const { status, body } = await request("/metrics");
  expect(status).toBe(200);
  return parseMetrics(String(body));
}

/** Those of {@link EXPECTED_METRICS} that are not there, or have another value. */
function missingIn(samples: ReadonlyMap<string, number>): [string, number | undefined][] {
  return Object.entries(EXPECTED_METRICS)
    .filter(([sample, value]) => samples.get(sample) !== value)
    .map(([sample]) => [sample, samples.get(sample)]);
}

test("the numbers of all isolates are those of the requests, and only grow", async () => {
  const service = await start([]);
  let before = new Map<string, number>();
  let missing: unknown;
  const samples = await poll("complete metrics", async () => {
    const now = await read(service);
    for (const [sample, value] of before)
      if (GROWING.test(sample))
        expect([sample, now.get(sample) ?? 0]).toEqual([
          sample,
          expect.toSatisfy((n) => n >= value),
        ]);
    before = now;
    missing = missingIn(now);
    return missingIn(now).length === 0 ? now : undefined;
  }).catch((error: unknown) => {
    expect(missing).toEqual([]);
    throw error;
  });
  expect(samples.get('onnxflare_metrics_scope{scope="service"}')).toBe(1);
  expect(samples.get("onnxflare_model_loads_total")).toBeGreaterThan(0);
  const label = '{model="iris-logistic",version="1"}';
  expect(samples.get(`onnxflare_heap_bytes${label}`)).toBeGreaterThan(1_000_000);
  const whole = samples.get(`nv_inference_request_duration_us${label}`);
  const run = samples.get(`nv_inference_compute_infer_duration_us${label}`);
  expect(whole).toBeGreaterThan(run ?? Number.NaN);
  // An unknown name is no label.
  expect([...samples.keys()].join("\n")).not.toContain("no-such");
});

test("without the binding METRICS they are those of the isolate, and say so", async () => {
  const samples = await read(await start(["METRICS"]));
  expect(missingIn(samples)).toEqual([]);
  expect(samples.get('onnxflare_metrics_scope{scope="isolate"}')).toBe(1);
});

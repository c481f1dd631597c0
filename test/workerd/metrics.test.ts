import { afterAll, expect, test } from "vitest";
import {
  awaitMetrics,
  parseMetrics,
  publishMetricModels,
  sendMetricTraffic,
} from "../support/metric-traffic.ts";
import { type Service, startService } from "../support/service.ts";

/** `GET /metrics` after requests of all kinds, in workerd; `npm run test:prometheus` checks the text by promtool. */

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

test("the numbers of all isolates are those of the requests, and only grow", async () => {
  const { origin } = await start([]);
  const samples = parseMetrics(await awaitMetrics(origin));
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
  const { origin } = await start(["METRICS"]);
  const samples = parseMetrics(await awaitMetrics(origin));
  expect(samples.get('onnxflare_metrics_scope{scope="isolate"}')).toBe(1);
});

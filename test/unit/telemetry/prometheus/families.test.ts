import { describe, expect, test } from "vitest";
import { type Aggregate, createAggregate } from "../../../../src/domain/monitoring/aggregate.ts";
import { addValue, createDistribution } from "../../../../src/domain/monitoring/distribution.ts";
import { mergeAggregate } from "../../../../src/domain/monitoring/merge-aggregate.ts";
import type { VersionTotals } from "../../../../src/domain/monitoring/monitoring.ts";
import { ALERT_FAMILIES } from "../../../../src/telemetry/prometheus/alert-families.ts";
import {
  boundVersions,
  MAX_VERSIONS,
} from "../../../../src/telemetry/prometheus/bound-versions.ts";
import type { MetricFamily } from "../../../../src/telemetry/prometheus/family.ts";
import { QUALITY_FAMILIES } from "../../../../src/telemetry/prometheus/quality-families.ts";
import type { MetricsReading } from "../../../../src/telemetry/prometheus/reading.ts";
import { METRIC_FAMILIES } from "../../../../src/telemetry/prometheus/registry.ts";
import { writeText } from "../../../../src/telemetry/prometheus/write-text.ts";

/** test/workerd/metrics.test.ts compares them with requests, and `npm run test:prometheus` checks the text by promtool. */

function readingOf(...versions: VersionTotals[]): MetricsReading {
  return {
    scope: "service",
    versions,
    truths: [],
    canaries: [],
    findings: [],
    alerts: undefined,
    unreachable: [],
    seconds: 0.25,
    serverVersion: "1.2.3",
  };
}

function totals(model: string, version: string, change: Partial<Aggregate> = {}): VersionTotals {
  return { model, version, aggregate: { ...createAggregate(), ...change } };
}

/** The lines of the families with these names. */
async function linesOf(reading: MetricsReading, ...names: string[]): Promise<string[]> {
  const families = METRIC_FAMILIES.filter(({ name }) => names.includes(name));
  expect(families).toHaveLength(names.length);
  const text = await writeText(families, reading, async () => undefined);
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

const inference = {
  ...createAggregate().inference,
  success: 3,
  successMs: 41.5,
  failures: { BACKEND: 2 },
  queueMs: 1.0004,
  executed: 2,
  inputMs: 2,
  inferMs: 30.25,
  outputMs: 4,
  inferences: 32,
  executions: 2,
  cacheHits: 1,
  cacheHitMs: 0.5,
  cacheMisses: 2,
  cacheMissMs: 1.5,
};

test("Triton's counters have its names, labels and microseconds", async () => {
  const reading = readingOf(totals("iris", "2", { inference }));
  const names = METRIC_FAMILIES.map(({ name }) => name).filter((name) =>
    /^nv_(?!.*hist)/.test(name),
  );
  const label = 'model="iris",version="2"';
  expect(await linesOf(reading, ...names)).toEqual([
    `nv_inference_request_success{${label}} 3`,
    `nv_inference_request_failure{${label},reason="REJECTED"} 0`,
    `nv_inference_request_failure{${label},reason="CANCELED"} 0`,
    `nv_inference_request_failure{${label},reason="BACKEND"} 2`,
    `nv_inference_request_failure{${label},reason="OTHER"} 0`,
    `nv_inference_count{${label}} 32`,
    `nv_inference_exec_count{${label}} 2`,
    `nv_inference_request_duration_us{${label}} 41500`,
    `nv_inference_queue_duration_us{${label}} 1000`,
    `nv_inference_compute_input_duration_us{${label}} 2000`,
    `nv_inference_compute_infer_duration_us{${label}} 30250`,
    `nv_inference_compute_output_duration_us{${label}} 4000`,
    `nv_cache_num_hits_per_model{${label}} 1`,
    `nv_cache_num_misses_per_model{${label}} 2`,
    `nv_cache_hit_duration_per_model{${label}} 500`,
    `nv_cache_miss_duration_per_model{${label}} 1500`,
  ]);
});

test("requests without a model are none of Triton's", async () => {
  const reading = readingOf(totals("", "", { inference }), totals("described", "1"));
  expect(await linesOf(reading, "nv_inference_request_success")).toEqual([]);
});

test("requests are counted by status and code, and operations by their id", async () => {
  const reading = readingOf(
    totals("", "", { outcomes: { 200: 2, "404 route_not_found": 1 }, operations: { getLive: 2 } }),
    totals("iris", "1", { outcomes: { "500 internal": 1, 200: 7 }, operations: { infer: 8 } }),
  );
  expect(await linesOf(reading, "onnxflare_requests_total", "onnxflare_operations_total")).toEqual([
    'onnxflare_requests_total{model="",version="",status="200",code=""} 2',
    'onnxflare_requests_total{model="",version="",status="404",code="route_not_found"} 1',
    'onnxflare_requests_total{model="iris",version="1",status="200",code=""} 7',
    'onnxflare_requests_total{model="iris",version="1",status="500",code="internal"} 1',
    'onnxflare_operations_total{model="",version="",operation="getLive"} 2',
    'onnxflare_operations_total{model="iris",version="1",operation="infer"} 8',
  ]);
});

describe("a histogram of durations", () => {
  /** In milliseconds, none of them within the error of a bound. */
  const values = [0.2, 0.7, 3, 3, 60, 60, 60, 700, 20_000, 40_000];

  function histogramOf(values: readonly number[]): Promise<string[]> {
    const total = createDistribution();
    for (const value of values) addValue(total, value);
    const reading = readingOf(totals("m", "1", { durations: { total } }));
    return linesOf(reading, "onnxflare_request_duration_seconds");
  }

  test("has for each bound the number of values that are not above it, in seconds", async () => {
    const lines = await histogramOf(values);
    const bounds = [
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ];
    const buckets = bounds.map((bound) => {
      const count = values.filter((value) => value <= bound * 1000).length;
      return `onnxflare_request_duration_seconds_bucket{model="m",version="1",le="${bound}"} ${count}`;
    });
    expect(lines).toEqual([
      ...buckets,
      'onnxflare_request_duration_seconds_bucket{model="m",version="1",le="+Inf"} 10',
      'onnxflare_request_duration_seconds_sum{model="m",version="1"} 60.8869',
      'onnxflare_request_duration_seconds_count{model="m",version="1"} 10',
    ]);
  });

  test("never has fewer in a bucket when values are added, in whatever order", async () => {
    const mixed = Array.from(
      { length: 400 },
      (_, index) => 10 ** (((index * 7919) % 701) / 100 - 2),
    );
    let before: number[] = [];
    for (let count = 1; count <= mixed.length; count += 19) {
      const counts = (await histogramOf(mixed.slice(0, count))).map((line) =>
        Number(line.split(" ")[1]),
      );
      for (const [index, value] of before.entries())
        expect(counts[index]).toBeGreaterThanOrEqual(value);
      before = counts;
    }
    expect(before.at(-1)).toBe(400);
  });
});

test("phases are summaries in seconds", async () => {
  const infer = createDistribution();
  for (const value of [1, 2.5]) addValue(infer, value);
  const reading = readingOf(totals("m", "1", { durations: { infer } }));
  expect(await linesOf(reading, "onnxflare_phase_duration_seconds")).toEqual([
    'onnxflare_phase_duration_seconds_sum{model="m",version="1",phase="infer"} 0.0035',
    'onnxflare_phase_duration_seconds_count{model="m",version="1",phase="infer"} 2',
  ]);
});

test("what alerts look for is 0 before it happens", async () => {
  const reading = readingOf(totals("", "", { invocations: { ok: 3, exceededMemory: 1 } }));
  const names = ["onnxflare_engine_crashes_total", "onnxflare_invocations_total"];
  expect(await linesOf(reading, ...names)).toEqual([
    "onnxflare_engine_crashes_total 0",
    'onnxflare_invocations_total{model="",version="",outcome="exceededCpu"} 0',
    'onnxflare_invocations_total{model="",version="",outcome="exceededMemory"} 1',
    'onnxflare_invocations_total{model="",version="",outcome="exception"} 0',
    'onnxflare_invocations_total{model="",version="",outcome="ok"} 3',
  ]);
  // Without a Tail Worker nothing tells how invocations end.
  expect(await linesOf(readingOf(totals("", "")), names[1] ?? "")).toEqual([]);
});

test("what is missing is told", async () => {
  const reading: MetricsReading = {
    ...readingOf(totals("", "", { lost: { buffer_full: 4 } })),
    scope: "isolate",
    unreachable: [{ shard: "model:a", problem: "timeout" }],
  };
  const names = METRIC_FAMILIES.map(({ name }) => name).filter((name) =>
    /metrics_|lost|build/.test(name),
  );
  expect(await linesOf(reading, ...names)).toEqual([
    'onnxflare_build_info{version="1.2.3"} 1',
    'onnxflare_metrics_scope{scope="isolate"} 1',
    'onnxflare_metrics_shard_unreachable{shard="model:a"} 1',
    "onnxflare_metrics_shards_unreachable 1",
    "onnxflare_metrics_read_seconds 0.25",
    'onnxflare_lost_events_total{model="",version="",reason="buffer_full"} 4',
  ]);
});

test("what is known by truths is that of each version, and a canary is worse or not", async () => {
  const reading: MetricsReading = {
    ...readingOf(),
    truths: [
      { model: "iris", version: "2", truths: 40, accuracy: 0.9, calibrationError: 0.05 },
      { model: "price", version: "1", truths: 3, meanAbsoluteError: 2, rootMeanSquaredError: 2.5 },
    ],
    canaries: [
      { model: "iris", version: "2", alias: "default", stable: "1", isWorse: true },
      { model: "iris", version: "3", alias: "next", stable: "1", isWorse: false },
    ],
  };
  const drift = { drifted: ["petal length", "label"], effect: 0.8, count: 500 };
  const stays = { drift: { drifted: [], effect: 0, count: 90 } };
  const findings = [
    { model: "iris", version: "2", reports: { drift, accuracy: { estimated: 0.87, count: 500 } } },
    { model: "price", version: "1", reports: stays },
    { model: "price", version: "2", reports: {} },
  ];
  const names = QUALITY_FAMILIES.map(({ name }) => name);
  expect(await linesOf({ ...reading, findings }, ...names)).toEqual([
    'onnxflare_truths{model="iris",version="2"} 40',
    'onnxflare_truths{model="price",version="1"} 3',
    'onnxflare_accuracy_ratio{model="iris",version="2"} 0.9',
    'onnxflare_calibration_error_ratio{model="iris",version="2"} 0.05',
    'onnxflare_mean_absolute_error{model="price",version="1"} 2',
    'onnxflare_root_mean_squared_error{model="price",version="1"} 2.5',
    'onnxflare_estimated_accuracy_ratio{model="iris",version="2"} 0.87',
    'onnxflare_drifted_features{model="iris",version="2"} 2',
    'onnxflare_drifted_features{model="price",version="1"} 0',
    'onnxflare_drift_effect{model="iris",version="2"} 0.8',
    'onnxflare_drift_effect{model="price",version="1"} 0',
    'onnxflare_canary_worse{model="iris",version="2",alias="default",stable="1"} 1',
    'onnxflare_canary_worse{model="iris",version="3",alias="next",stable="1"} 0',
  ]);
});

test("alerts are counted by rule and by what they are about, without clients", async () => {
  const slow = { rule: "slow", severity: "warning", model: "iris" } as const;
  const reading: MetricsReading = {
    ...readingOf(),
    alerts: {
      // Of two clients.
      firing: [slow, { rule: "errors", severity: "critical" }, slow],
      pending: 1,
      evaluations: 10,
      failedEvaluations: 2,
      deliveries: { delivered: 4 },
      waiting: 3,
      reports: [],
    },
  };
  const names = ALERT_FAMILIES.map(({ name }) => name);
  expect(await linesOf(reading, ...names)).toEqual([
    'onnxflare_alerts_firing{rule="errors",severity="critical",model="",version=""} 1',
    'onnxflare_alerts_firing{rule="slow",severity="warning",model="iris",version=""} 2',
    "onnxflare_alerts_pending 1",
    'onnxflare_alert_evaluations_total{outcome="done"} 8',
    'onnxflare_alert_evaluations_total{outcome="failed"} 2',
    'onnxflare_alert_deliveries_total{state="dead"} 0',
    'onnxflare_alert_deliveries_total{state="delivered"} 4',
    "onnxflare_alert_deliveries_waiting 3",
  ]);
  expect(await linesOf({ ...reading, alerts: undefined }, ...names)).toEqual([]);
});

describe("the registry", () => {
  test("names each family once, and onnxflare's by Prometheus' conventions", () => {
    const names = METRIC_FAMILIES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, help, labels } of METRIC_FAMILIES) {
      expect(name).toMatch(/^(onnxflare|nv)_[a-z][a-z_]*[a-z]$/);
      expect(labels.every((label) => /^[a-z][a-z_]*$/.test(label) && label !== "le")).toBe(true);
      expect(help.length).toBeGreaterThan(10);
      if (name.startsWith("nv_")) continue;
      expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
      expect(name).not.toMatch(/_(ms|us|millis|kb|mb|count|sum|bucket|percent)(_|$)/);
    }
  });

  test("a sample has a value for each label, in any family", () => {
    const reading = readingOf(everything("", ""), everything("m", "1"));
    for (const family of METRIC_FAMILIES as readonly MetricFamily[])
      for (const [values] of family.samples(reading)) {
        expect([family.name, values.length]).toEqual([family.name, family.labels.length]);
        expect(values.every((value) => typeof value === "string")).toBe(true);
      }
  });
});

/** An aggregate in which nothing is missing. */
function everything(model: string, version: string): VersionTotals {
  const durations = Object.fromEntries(
    ["total", "queue", "timeToFirstToken", "cpu", "wall", "infer"].map((name) => {
      const distribution = createDistribution();
      addValue(distribution, 5);
      return [name, distribution];
    }),
  );
  const one = { a: 1 };
  const engine = { loads: 1, evictions: 1, crashes: 1 };
  const heapBytes = { last: 1, max: 2, at: 3 };
  return totals(model, version, {
    outcomes: { 200: 1 },
    operations: one,
    cache: { hit: 1 },
    cacheTiers: one,
    tokens: one,
    invocations: one,
    shadows: one,
    lost: one,
    audioSeconds: 1,
    inference,
    durations,
    engine,
    heapBytes,
  });
}

describe("the versions", () => {
  test("are in the order of models and of versions as numbers, after what has no model", () => {
    const given = [
      totals("b", "10"),
      totals("b", "9"),
      totals("b", ""),
      totals("", ""),
      totals("a", "1"),
    ];
    const names = boundVersions(given).map(({ model, version }) => `${model}@${version}`);
    expect(names).toEqual(["@", "a@1", "b@", "b@9", "b@10"]);
  });

  test("whose names no version has are others", () => {
    const given = [
      totals("a", "1"),
      totals("A b", "1", { requests: 2 }),
      totals("a", "0x", { requests: 3 }),
    ];
    const bound = boundVersions(given);
    expect(bound.map(({ model, version }) => `${model}@${version}`)).toEqual([
      "a@1",
      "other@other",
    ]);
    expect(bound[1]?.aggregate.requests).toBe(5);
  });

  test("beyond the bound are others, and nothing is lost", () => {
    const given = Array.from({ length: MAX_VERSIONS + 30 }, (_, index) =>
      totals("m", String(index + 1), { requests: 1 }),
    );
    const bound = boundVersions(given);
    expect(bound).toHaveLength(MAX_VERSIONS + 1);
    expect(bound.at(-1)).toMatchObject({ model: "other", aggregate: { requests: 30 } });
    const sum = createAggregate();
    for (const { aggregate } of bound) mergeAggregate(sum, aggregate);
    expect(sum.requests).toBe(given.length);
  });
});

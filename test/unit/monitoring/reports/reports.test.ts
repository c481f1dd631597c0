import { describe, expect, test } from "vitest";
import { type Aggregate, createAggregate } from "../../../../src/domain/monitoring/aggregate.ts";
import { addValue, createDistribution } from "../../../../src/domain/monitoring/distribution.ts";
import type {
  Monitoring,
  SeriesRequest,
  Window,
} from "../../../../src/domain/monitoring/monitoring.ts";
import { createReports } from "../../../../src/monitoring/reports/reports.ts";

const MINUTE = 60_000;
/** A multiple of every step here. */
const START = Date.parse("2026-11-30T00:00:00Z");

function aggregate(latencies: readonly number[], change: Partial<Aggregate> = {}): Aggregate {
  const total = createDistribution();
  for (const latency of latencies) addValue(total, latency);
  return {
    ...createAggregate(),
    requests: latencies.length,
    outcomes: { 200: latencies.length },
    durations: { total },
    ...change,
  };
}

function window(
  model: string,
  version: string,
  minute: number,
  sums: Aggregate,
  seconds = 60,
): Window {
  return { model, version, start: START + minute * MINUTE, seconds, aggregate: sums };
}

/** Answers like the collector, of these windows. */
function reportsOf(windows: readonly Window[], unreachable: readonly string[] = []) {
  const asked: SeriesRequest[] = [];
  const monitoring = {
    async series(request: SeriesRequest) {
      asked.push(request);
      const value = windows.filter(
        ({ model, version }) =>
          (request.model ?? model) === model && (request.version ?? version) === version,
      );
      return { value, unreachable: unreachable.map((shard) => ({ shard, problem: "no answer" })) };
    },
  } as Partial<Monitoring> as Monitoring;
  return { asked, ...createReports(monitoring, { usesKv: true }) };
}

const RANGE = {
  from: START + 30_000,
  to: START + 5 * MINUTE,
  stepSeconds: 60,
  onlyModels: false,
  mayRead: () => true,
};

describe("the overview", () => {
  const windows = [
    window("iris", "2", 0, aggregate([1, 2, 3], { coldStarts: 1 })),
    window("iris", "10", 1, aggregate([10])),
    window("iris", "2", 2, aggregate([4], { outcomes: { "404 model_not_found": 1 } })),
    window("digits", "1", 0, aggregate([5], { outcomes: { "500 internal": 1 } })),
    window("", "", 0, aggregate([1], { outcomes: { "404 route_not_found": 1 } })),
  ];

  test("sums requests, errors and cold starts, by model and version, the newest version first", async () => {
    const { total, models, errors } = await reportsOf(windows).overview(RANGE);
    expect(total).toMatchObject({ requests: 7, errors: 1, clientErrors: 2, coldStarts: 1 });
    expect(models.map(({ model, requests }) => [model, requests])).toEqual([
      ["iris", 5],
      ["", 1],
      ["digits", 1],
    ]);
    expect(models[0]?.versions.map(({ version, requests }) => [version, requests])).toEqual([
      ["10", 1],
      ["2", 4],
    ]);
    expect(models[0]).toMatchObject({ errors: 0, clientErrors: 1 });
    expect(errors).toEqual([
      { status: 404, code: "model_not_found", count: 1 },
      { status: 500, code: "internal", count: 1 },
      { status: 404, code: "route_not_found", count: 1 },
    ]);
  });

  test("percentiles are of all requests together, not means of percentiles", async () => {
    // numpy.percentile of 95 times 10 and 5 times 1000: 10, 59.5, 1000; of the two windows alone, the 95th are 10 and 1000.
    const many = [
      window("a", "1", 0, aggregate(new Array<number>(95).fill(10))),
      window("a", "1", 1, aggregate(new Array<number>(5).fill(1000))),
    ];
    const { latencyMs } = (await reportsOf(many).overview(RANGE)).total;
    expect(latencyMs).toMatchObject({ count: 100, mean: 59.5, max: 1000 });
    expect(Math.abs((latencyMs?.p50 ?? 0) / 10 - 1)).toBeLessThan(0.011);
    expect(Math.abs((latencyMs?.p99 ?? 0) / 1000 - 1)).toBeLessThan(0.011);
  });

  test("the time begins with a whole window, and says so", async () => {
    const reports = reportsOf(windows);
    const { from, to } = await reports.overview(RANGE);
    expect([from, to]).toEqual([START, RANGE.to]);
    expect(reports.asked[0]).toMatchObject({ from: START, to: RANGE.to });
  });

  test("without requests everything is 0, and there are no percentiles", async () => {
    const { total, models } = await reportsOf([]).overview(RANGE);
    expect(models).toEqual([]);
    expect(total).toMatchObject({ requests: 0, cacheHits: 0, cost: { total: 0 } });
    expect(total).not.toHaveProperty("latencyMs");
  });

  test("leaves out requests without a model where that is asked for", async () => {
    const overview = await reportsOf(windows).overview({ ...RANGE, onlyModels: true });
    expect(overview.total).toMatchObject({ requests: 6, errors: 1, clientErrors: 1 });
    expect(overview.models.map(({ model }) => model)).toEqual(["iris", "digits"]);
  });

  test("a client of single models sees the numbers of these alone, and no names of others", async () => {
    const reports = reportsOf(windows, ["model:iris", "model:digits", "service"]);
    const mayRead = (model: string): boolean => model === "digits";
    const overview = await reports.overview({ ...RANGE, mayRead });
    expect(overview.total.requests).toBe(1);
    expect(overview.models.map(({ model }) => model)).toEqual(["digits"]);
    expect(overview.unreachable).toEqual([{ shard: "model:digits", problem: "no answer" }]);
    expect(JSON.stringify(overview)).not.toContain("iris");
  });
});

describe("the estimate of the cost", () => {
  const durations = (cpu?: readonly number[]) => {
    const infer = createDistribution();
    for (let index = 0; index < 1000; index++) addValue(infer, 10);
    const measured = createDistribution();
    for (const each of cpu ?? []) addValue(measured, each);
    return { infer, ...(cpu && { cpu: measured }) };
  };
  const costOf = async (change: Partial<Aggregate>) => {
    const sums = { ...createAggregate(), requests: 1_000_000, ...change };
    return (await reportsOf([window("a", "1", 0, sums)]).overview(RANGE)).total.cost;
  };

  test("a million requests cost 0.30 dollars, and a million milliseconds of CPU time 0.02", async () => {
    const cpu = new Array<number>(1000).fill(1);
    const cost = await costOf({ durations: durations(cpu) });
    expect(cost).toMatchObject({ cpuBasis: "platform", cache: 0 });
    expect(cost.requests).toBeCloseTo(0.3, 10);
    // The invocations that the Tail Worker has seen took a millisecond each.
    expect(cost.cpuMs).toBeCloseTo(1_000_000, 3);
    expect(cost.cpu).toBeCloseTo(0.02, 10);
    expect(cost.total).toBeCloseTo(0.32, 10);
  });

  test("without a Tail Worker the CPU time is the sum of the phases, and unknown where clocks stand still", async () => {
    const cost = await costOf({ durations: durations() });
    expect(cost).toMatchObject({ cpuBasis: "phases", cpuMs: 10_000 });
    expect(await costOf({})).toMatchObject({ cpuBasis: "unknown", cpu: 0 });
  });

  test("a miss reads from KV and writes to it, and a hit of KV reads", async () => {
    const { cache } = await costOf({
      cache: { hit: 500_000, miss: 100_000 },
      cacheTiers: { isolate: 300_000, kv: 200_000 },
    });
    // 300,000 reads at 0.50 dollars a million, and 100,000 writes at 5.
    expect(cache).toBeCloseTo(0.15 + 0.5, 10);
  });
});

describe("the series", () => {
  const windows = [
    window("a", "1", 0, aggregate([1, 1])),
    window("a", "2", 1, aggregate([2], { outcomes: { "503 model_missing": 1 } })),
    window("b", "1", 1, aggregate([4], { cache: { hit: 1 } })),
    window("a", "1", 3, aggregate([8])),
  ];
  const request = { ...RANGE, from: START, to: START + 4 * MINUTE };

  test("has a number for each window, 0 or null without requests", async () => {
    const report = await reportsOf(windows).series({ ...request, group: "total" });
    expect(report.starts).toEqual([0, 1, 2, 3].map((minute) => START + minute * MINUTE));
    expect(report.series).toHaveLength(1);
    expect(report.series[0]).toMatchObject({
      model: "",
      version: "",
      requests: [2, 2, 0, 1],
      errors: [0, 1, 0, 0],
      cacheHits: [0, 1, 0, 0],
      p50: [expect.closeTo(1, 1), expect.any(Number), null, expect.closeTo(8, 0)],
    });
  });

  test("is one for each model or version where that is asked for", async () => {
    const reports = reportsOf(windows);
    const names = async (group: "model" | "version") =>
      (await reports.series({ ...request, group })).series.map(
        ({ model, version, requests }) => `${model} ${version} ${requests}`,
      );
    expect(await names("model")).toEqual(["a  2,1,0,1", "b  0,1,0,0"]);
    expect(await names("version")).toEqual(["a 1 2,0,0,1", "a 2 0,1,0,0", "b 1 0,1,0,0"]);
  });

  test("has windows of hours where minutes are not kept any more", async () => {
    const hour = window("a", "1", 0, aggregate([1, 2, 3]), 3600);
    const report = await reportsOf([hour]).series({
      ...request,
      to: START + 120 * MINUTE,
      group: "total",
    });
    expect(report.stepSeconds).toBe(3600);
    expect(report.starts).toEqual([START, START + 60 * MINUTE]);
    expect(report.series[0]?.requests).toEqual([3, 0]);
  });
});

describe("the histograms", () => {
  test("have counts by bin and label, and no least and greatest values", async () => {
    const moments = { count: 10, missing: 1, mean: 4.5, m2: 82.5 };
    const sums = aggregate([1, 1, 1, 1, 1], {
      profile: "ab12",
      inputs: { width: { kind: "numeric", moments, histogram: [3, 7] } },
      outputs: { count: 4, labels: { no: 1, yes: 3 }, confidence: { yes: [0, 3] } },
    });
    const reports = reportsOf([window("a", "1", 0, sums), window("b", "1", 0, aggregate([1]))]);
    const report = await reports.histograms({ ...RANGE, model: "a", version: "1" });
    expect(report).toMatchObject({
      requests: 5,
      shownFrom: 5,
      profile: "ab12",
      inputs: [
        {
          name: "width",
          kind: "numeric",
          count: 10,
          missing: 1,
          mean: 4.5,
          // The deviation of the numbers 0 to 9.
          deviation: expect.closeTo(2.8723, 4),
          counts: [3, 7],
        },
      ],
      predictions: 4,
      labels: [
        { label: "yes", count: 3, confidence: [0, 3] },
        { label: "no", count: 1 },
      ],
    });
    expect(JSON.stringify(report)).not.toMatch(/123\.25|987\.5/);
  });

  test.each([
    ["five requests, one of which had a value", 5, 1],
    ["four requests of many rows", 4, 400],
  ])("of %s, have numbers alone", async (_, requests, count) => {
    const feature = {
      kind: "numeric" as const,
      moments: { count, missing: 0, mean: 61.5, m2: 0 },
      histogram: [0, count],
    };
    const sums = aggregate(new Array<number>(requests).fill(1), {
      inputs: { age: feature },
      outputs: { count, labels: {}, confidence: {}, value: feature },
    });
    const report = await reportsOf([window("a", "1", 0, sums)]).histograms({
      ...RANGE,
      model: "a",
      version: "1",
    });
    const shown = { kind: "numeric", count, missing: 0 };
    expect(report.inputs).toEqual([{ name: "age", ...shown }]);
    expect(report.value).toEqual({ name: "value", ...shown });
  });

  test("of fewer than five requests, have no labels", async () => {
    const outputs = { count: 4, labels: { sick: 4 }, confidence: { sick: [4] } };
    const windows = [window("a", "1", 0, aggregate([1, 1, 1, 1], { outputs }))];
    const report = await reportsOf(windows).histograms({ ...RANGE, model: "a", version: "1" });
    expect(report).toMatchObject({ requests: 4, predictions: 4, labels: [] });
  });
});

import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { powers } from "../../test/support/awkward-models.ts";
import { store } from "../../test/support/stored-model.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { readJson } from "../cold-start-worker.ts";
import { applyLoad, HEADERS } from "../load.ts";
import { applyOpenLoop, type OpenLoopResult } from "../open-loop.ts";
import { toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { assertSameTensors, type InferResponse } from "../tensor-json.ts";
import { readWorkerd } from "../workerd-process.ts";

const MODEL = "powers";
const BODY = JSON.stringify({
  inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [0.5] }],
});
const OUTPUTS = [{ name: "y", datatype: "FP32", shape: [], data: [0.5] }];
const TOLERANCE = 1e-5;

/** A model with this number of multiplications, and the longest estimated wait that is accepted. */
const CASES = [
  { times: 6, maxQueueMs: 1000 },
  { times: 24, maxQueueMs: 1000 },
  { times: 24, maxQueueMs: 250 },
];
/** Request rates as multiples of the capacity. */
const FACTORS = [0.5, 1, 2, 10];
/** Far more than can be in flight, so that no request waits for a connection. */
const CONNECTIONS = 1000;
/** Of the Worker whose capacity is measured, which refuses no request. */
const UNLIMITED_QUEUE_MS = 1_000_000;
const WARM_UP_SECONDS = 1;
const WARM_UP_REQUESTS = 20;
/** Several times the duration in which the longest queue fills. */
const MIN_SECONDS = 5;
const MIN_CLOSED_LOOP_SECONDS = 2;

interface Measurement {
  /** Predictions per second of a closed loop, just before and just after the load. */
  readonly capacities: readonly [before: number, after: number];
  readonly load: OpenLoopResult;
  /** Predictions per second during the load. */
  readonly perSecond: number;
  /** CPU time of workerd per prediction, refusals included. */
  readonly cpuMs: { readonly before: number; readonly load: number; readonly after: number };
}

/** In the order of {@link FACTORS}. */
type Round = readonly Measurement[];

export const overload: Benchmark = {
  name: "overload",
  description: "throughput, latency and refusals at request rates up to ten times the capacity",
  async run(options) {
    options.report("building ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const raw: Round[][] = CASES.map(() => []);
    for (let round = 0; round < options.rounds; round++)
      for (const [index, each] of CASES.entries()) {
        const measured = await measure(outdir, each, options);
        raw[index]?.push(measured);
        const shares = measured.map(
          (one, at) =>
            `${FACTORS[at]} x: ${percent(throughputRatio(one))} (${percent(cpuRatio(one))} by CPU)`,
        );
        options.report(
          `round ${round + 1} of ${options.rounds}, ${describe(each)}: ${shares.join(", ")}`,
        );
      }
    const tables = CASES.map((each, index) => toTable(describe(each), raw[index] ?? []));
    return { tables, raw: CASES.map((each, index) => ({ ...each, rounds: raw[index] })) };
  },
};

async function measure(
  outdir: string,
  { times, maxQueueMs }: (typeof CASES)[number],
  options: BenchmarkOptions,
): Promise<Round> {
  const seconds = Math.max(options.seconds, MIN_SECONDS);
  const unlimited = await startModel(outdir, times, UNLIMITED_QUEUE_MS);
  const worker = await startModel(outdir, times, maxQueueMs);
  try {
    const closed = {
      url: unlimited.url,
      body: BODY,
      connections: options.connections,
      warmUpSeconds: WARM_UP_SECONDS,
      seconds: Math.max(options.seconds, MIN_CLOSED_LOOP_SECONDS),
    };
    const measured: Measurement[] = [];
    const measureCapacity = () => withCpu(unlimited.url, () => applyLoad(closed));
    let before = await measureCapacity();
    for (const factor of FACTORS) {
      const loop = {
        url: worker.url.href,
        body: BODY,
        perSecond: factor * before.result.perSecond,
        seconds,
        connections: CONNECTIONS,
      };
      const { result: load, cpuMs } = await withCpu(worker.url, () => applyOpenLoop(loop));
      assertSucceededOrRefused(load);
      const after = await measureCapacity();
      measured.push({
        capacities: [before.result.perSecond, after.result.perSecond],
        load,
        perSecond: (load.responses[200]?.inTime ?? 0) / seconds,
        cpuMs: { before: before.cpuMs, load: cpuMs, after: after.cpuMs },
      });
      before = after;
    }
    await checkResponse(worker.url);
    return measured;
  } finally {
    await Promise.all([unlimited.dispose(), worker.dispose()]);
  }
}

/** Starts a Worker and loads the model. */
async function startModel(
  outdir: string,
  times: number,
  maxQueueMs: number,
): Promise<{ url: URL; dispose: () => Promise<void> }> {
  const worker = await startLocalWorker({ outdir, vars: { MAX_QUEUE_MS: `${maxQueueMs}` } });
  try {
    await store(await worker.bucket(), MODEL, powers(times));
    const url = new URL(`/v2/models/${MODEL}/infer`, worker.url);
    for (let request = 0; request < WARM_UP_REQUESTS; request++) await checkResponse(url);
    return { url, dispose: () => worker.dispose() };
  } catch (error) {
    await worker.dispose();
    throw error;
  }
}

/** Also measures the CPU time per prediction, which depends little on other load of the machine. */
async function withCpu<T>(url: URL, work: () => Promise<T>): Promise<{ result: T; cpuMs: number }> {
  const read = async (): Promise<{ predictions: number; cpuSeconds: number }> => {
    const { model_stats: stats } = (await readJson(new URL(`/v2/models/${MODEL}/stats`, url))) as {
      model_stats: readonly { inference_count: number }[];
    };
    const predictions = stats.reduce((sum, { inference_count: count }) => sum + count, 0);
    return { predictions, cpuSeconds: readWorkerd().cpuSeconds };
  };
  const start = await read();
  const result = await work();
  const end = await read();
  const cpuSeconds = end.cpuSeconds - start.cpuSeconds;
  return { result, cpuMs: (1000 * cpuSeconds) / (end.predictions - start.predictions) };
}

async function checkResponse(url: URL): Promise<void> {
  const response = await fetch(url, { method: "POST", headers: HEADERS, body: BODY });
  if (!response.ok)
    throw new Error(`${url} responded ${response.status}: ${await response.text()}`);
  const { outputs } = (await response.json()) as InferResponse;
  assertSameTensors(MODEL, outputs, OUTPUTS, () => TOLERANCE);
}

function assertSucceededOrRefused({ failed, responses }: OpenLoopResult): void {
  const others = Object.keys(responses).filter((status) => status !== "200" && status !== "429");
  if (failed > 0 || others.length > 0)
    throw new Error(
      `${failed} requests failed; unexpected statuses: ${others.join(", ") || "none"}`,
    );
  const delays = responses[429]?.retryAfterSeconds ?? [];
  if (delays.some((seconds) => !(seconds >= 1)))
    throw new Error(`retry-after must be at least 1 s; got ${delays.join(", ")}`);
}

function capacity({ capacities: [before, after] }: Measurement): number {
  return (before + after) / 2;
}

/** Throughput during the load relative to the capacity. */
function throughputRatio(measurement: Measurement): number {
  return measurement.perSecond / capacity(measurement);
}

/** The same by CPU time per prediction, which is meaningful when the Worker is saturated. */
function cpuRatio({ cpuMs: { before, load, after } }: Measurement): number {
  return (before + after) / 2 / load;
}

function describe({ times, maxQueueMs }: (typeof CASES)[number]): string {
  return `${times} multiplications, MAX_QUEUE_MS=${maxQueueMs}`;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(0)} %`;
}

function toTable(name: string, rounds: readonly Round[]): Table {
  const perSecond = toSpread(rounds.flat().map(capacity)).median;
  return {
    title: `${name}: capacity ${perSecond.toFixed(1)} predictions/s, ${(1000 / perSecond).toFixed(1)} ms per prediction`,
    columns: [
      "offered / capacity",
      "requests/s",
      "throughput / capacity",
      "(min - max)",
      "CPU ratio",
      "(min - max)",
      "200: p50 ms",
      "p95",
      "p99",
      "429",
      "429: p50 ms",
      "p99",
      "generator lag: p99 ms",
    ],
    rows: FACTORS.map((factor, index) => {
      const all = rounds.flatMap((round) => round[index] ?? []);
      const median = (of: (load: OpenLoopResult) => number): number =>
        toSpread(all.map(({ load }) => of(load))).median;
      const latency = (status: 200 | 429, percentile: "p50" | "p95" | "p99"): string => {
        const values = all.flatMap(({ load }) => load.responses[status]?.latencyMs ?? []);
        if (values.length === 0) return "";
        return toSpread(values.map((value) => value[percentile])).median.toFixed(0);
      };
      const shares = toSpread(all.map(throughputRatio));
      const cpu = toSpread(all.map(cpuRatio));
      return [
        `${factor}`,
        toSpread(all.map(({ capacities: [before] }) => factor * before)).median.toFixed(0),
        shares.median.toFixed(2),
        `(${shares.min.toFixed(2)} - ${shares.max.toFixed(2)})`,
        cpu.median.toFixed(2),
        `(${cpu.min.toFixed(2)} - ${cpu.max.toFixed(2)})`,
        latency(200, "p50"),
        latency(200, "p95"),
        latency(200, "p99"),
        percent(median(({ requests, responses }) => (responses[429]?.count ?? 0) / requests)),
        latency(429, "p50"),
        latency(429, "p99"),
        median(({ lagMs }) => lagMs.p99).toFixed(1),
      ];
    }),
  };
}

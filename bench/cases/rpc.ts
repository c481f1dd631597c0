import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { buildOnnx } from "../../test/support/onnx-builder.ts";
import { findModel, publishAs } from "../../test/support/publish.ts";
import { startWorkers, type Workers } from "../../test/support/workers.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { buildVariant } from "../build-variant.ts";
import { rotate, toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { readWorkerd } from "../workerd-process.ts";
import type { CallerResult, Transport } from "../workers/rpc-caller/index.ts";

const ADMIN_KEY = "bench";
const WARM_UP_SECONDS = 0.5;
/** Each transport is measured in so many slices, which take turns: other load of the machine affects all of them. */
const SLICES = 10;
const TOLERANCE = 1e-6;

interface Workload {
  readonly model: string;
  readonly title: string;
  readonly transports: readonly Transport[];
}

const WORKLOADS: readonly Workload[] = [
  { model: "iris-logistic", title: "a row of 4 numbers to labels", transports: ["RPC", "HTTP"] },
  {
    model: "sentence-embeddings",
    title: "a sentence to its embedding",
    transports: ["RPC", "HTTP"],
  },
  {
    model: "identity",
    title: "150,528 FP32 (602 KB) to the same",
    transports: ["RPC", "HTTP", "HTTP, binary"],
  },
];

interface Measurement {
  calls: number;
  elapsedMs: number;
  cpuMs: number;
}

/** By model and transport: one measurement for each round. */
type Measurements = Record<string, Partial<Record<Transport, Measurement[]>>>;

export const rpc: Benchmark = {
  name: "rpc",
  description: "calls of another Worker over RPC compared with HTTP, both over service bindings",
  async run(options) {
    options.report("building ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const caller = await buildVariant("rpc-caller");
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++) {
      const workers = await start(outdir, caller);
      try {
        for (const workload of WORKLOADS) await measure(workers, workload, round, options, raw);
      } finally {
        await workers.dispose();
      }
    }
    return {
      tables: WORKLOADS.map((workload) => toTable(workload, raw[workload.model] ?? {})),
      raw,
    };
  },
};

/** Nothing is cached, so that each call is a run; events are logged, as in a deployment. */
async function start(outdir: string, caller: string): Promise<Workers> {
  const r2Buckets = { MODELS: "models" };
  const workers = await startWorkers([
    {
      name: "caller",
      code: { outdir: caller },
      serviceBindings: {
        AI: { name: "service", entrypoint: "OnnxflareEntrypoint" },
        HTTP: "service",
      },
      r2Buckets,
    },
    { name: "service", code: { outdir }, bindings: { ADMIN_KEY, CACHE_TIERS: "" }, r2Buckets },
  ]);
  const bucket = await workers.bucket("MODELS");
  for (const name of ["iris-logistic", "sentence-embeddings"]) {
    const model = findModel(name);
    await publishAs(bucket, model, model.manifest);
  }
  const service = await workers.miniflare.getWorker("service");
  const shape = [1, 3, 224, 224];
  const model = buildOnnx({
    inputs: [{ name: "x", datatype: "FP32", shape }],
    outputs: [{ name: "y", datatype: "FP32", shape }],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
  const published = await service.fetch(
    "https://service.example/admin/models/identity/versions/1",
    {
      method: "PUT",
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        "content-length": String(model.byteLength),
      },
      body: model,
    },
  );
  if (!published.ok) throw new Error(`publishing identity failed: ${await published.text()}`);
  return workers;
}

async function measure(
  { origin }: Workers,
  { model, transports }: Workload,
  round: number,
  { rounds, seconds, report }: BenchmarkOptions,
  raw: Measurements,
): Promise<void> {
  const call = async (transport: Transport, duration: number): Promise<CallerResult> => {
    const url = new URL(`/${model}/${encodeURIComponent(transport)}?seconds=${duration}`, origin);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${transport} (${model}): ${await response.text()}`);
    return (await response.json()) as CallerResult;
  };
  const sums = new Map<Transport, Measurement>();
  const values: unknown[] = [];
  for (const transport of transports) {
    values.push((await call(transport, WARM_UP_SECONDS)).value);
    sums.set(transport, { calls: 0, elapsedMs: 0, cpuMs: 0 });
  }
  for (const [index, value] of values.entries())
    assertSame(`${transports[index]} (${model})`, value, values[0]);
  for (let slice = 0; slice < SLICES; slice++)
    for (const transport of rotate(transports, round + slice)) {
      const before = readWorkerd().cpuSeconds;
      const { calls, elapsedMs } = await call(transport, seconds / SLICES);
      const sum = sums.get(transport) as Measurement;
      sum.cpuMs += (readWorkerd().cpuSeconds - before) * 1000;
      sum.calls += calls;
      sum.elapsedMs += elapsedMs;
    }
  raw[model] ??= {};
  for (const [transport, sum] of sums) {
    const ofTransport = raw[model][transport] ?? [];
    ofTransport.push(sum);
    raw[model][transport] = ofTransport;
    report(
      `round ${round + 1} of ${rounds}, ${model}, ${transport}: ${(sum.elapsedMs / sum.calls).toFixed(3)} ms per call`,
    );
  }
}

/** @throws Error for two values whose numbers differ */
function assertSame(subject: string, value: unknown, expected: unknown): void {
  const numbers = (each: unknown): number[] =>
    [...JSON.stringify(each).matchAll(/-?\d+(?:\.\d+)?(?:e-?\d+)?/g)].map(([text]) => Number(text));
  const [actual, wanted] = [numbers(value), numbers(expected)];
  const isSame =
    wanted.length > 0 &&
    actual.length === wanted.length &&
    actual.every((number, index) => {
      const other = wanted[index] as number;
      return Math.abs(number - other) <= TOLERANCE * Math.max(1, Math.abs(other));
    });
  if (!isSame) throw new Error(`${subject} returned ${JSON.stringify(value).slice(0, 200)}`);
}

/** Ratios are computed within a round. */
function toTable(
  { model, title, transports }: Workload,
  measurements: Partial<Record<Transport, Measurement[]>>,
): Table {
  const of = (transport: Transport, value: (measurement: Measurement) => number): number[] =>
    (measurements[transport] ?? []).map(value);
  const wallMs = ({ elapsedMs, calls }: Measurement): number => elapsedMs / calls;
  const cpuMs = (measurement: Measurement): number => measurement.cpuMs / measurement.calls;
  const ratio = (transport: Transport, value: (measurement: Measurement) => number): string => {
    const baseline = of("RPC", value);
    const { median, min, max } = toSpread(
      of(transport, value).map((each, round) => (baseline[round] ?? 0) / each),
    );
    return `${median.toFixed(2)} (${min.toFixed(2)} - ${max.toFixed(2)})`;
  };
  return {
    title: `${model}: ${title}`,
    columns: ["transport", "ms/call", "CPU ms/call", "RPC / transport", "CPU, RPC / transport"],
    rows: transports.map((transport) => [
      transport,
      toSpread(of(transport, wallMs)).median.toFixed(3),
      toSpread(of(transport, cpuMs)).median.toFixed(3),
      ratio(transport, wallMs),
      ratio(transport, cpuMs),
    ]),
  };
}

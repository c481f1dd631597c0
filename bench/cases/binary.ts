import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { buildOnnx, type Graph } from "../../test/support/onnx-builder.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { type ClientLoopResult, type Phase, runClientLoop } from "../client-loop.ts";
import { rotate, toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { assertSameTensors, type JsonTensor } from "../tensor-json.ts";

const ADMIN_KEY = "bench";
const WARM_UP_SECONDS = 1;
/** 150,528 elements: the input shape of most image models. */
const SHAPE = [1, 3, 224, 224];

interface Encoding {
  readonly name: string;
  readonly binary: boolean;
}

const JSON_ENCODING: Encoding = { name: "JSON", binary: false };
const ENCODINGS: readonly Encoding[] = [JSON_ENCODING, { name: "binary", binary: true }];

/** A model with almost no computation, so that parsing and serializing tensors dominates. */
interface Workload {
  readonly model: string;
  readonly title: string;
  readonly graph: Graph;
  readonly output: JsonTensor;
  readonly tolerance: number;
}

const image: JsonTensor = { name: "x", datatype: "FP32", shape: SHAPE, data: makeImage() };

const WORKLOADS: readonly Workload[] = [
  {
    model: "mean",
    title: "image (150,528 FP32) to number",
    graph: toGraph("ReduceMean", []),
    output: { name: "y", datatype: "FP32", shape: [], data: [mean(image.data)] },
    // Rounding of a float32 sum of 150,528 numbers.
    tolerance: 1e-4,
  },
  {
    model: "identity",
    title: "image (150,528 FP32) to the same image",
    graph: toGraph("Identity", SHAPE),
    output: { ...image, name: "y" },
    tolerance: 0,
  },
];

/** By model and encoding: one measurement for each round. */
type Measurements = Record<string, Record<string, ClientLoopResult[]>>;

export const binary: Benchmark = {
  name: "binary",
  description: "binary tensors compared with JSON tensors, from array to array in the client",
  async run(options) {
    options.report("building ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++)
      for (const workload of WORKLOADS)
        for (const encoding of rotate(ENCODINGS, round))
          await measure(outdir, workload, encoding, round, options, raw);
    return {
      tables: WORKLOADS.map((workload) => toTable(workload, raw[workload.model] ?? {})),
      raw,
    };
  },
};

async function measure(
  outdir: string,
  { model, graph, output, tolerance }: Workload,
  { name, binary }: Encoding,
  round: number,
  { rounds, seconds, report }: BenchmarkOptions,
  raw: Measurements,
): Promise<void> {
  const worker = await startLocalWorker({ outdir, vars: { ADMIN_KEY } });
  try {
    await publish(worker.url, model, graph);
    const measurement = await runClientLoop({
      origin: worker.url.origin,
      model,
      input: image,
      binary,
      warmUpSeconds: WARM_UP_SECONDS,
      seconds,
    });
    assertSameTensors(`${name} (${model})`, [toComparable(measurement)], [output], () => tolerance);
    raw[model] ??= {};
    const ofModel = raw[model] as Record<string, ClientLoopResult[]>;
    ofModel[name] ??= [];
    // The output is not a measurement, and would be most of the JSON file.
    ofModel[name]?.push({ ...measurement, output: { ...measurement.output, data: [] } });
    const msPerCall = measurement.elapsedMs / measurement.runs;
    report(
      `round ${round + 1} of ${rounds}, ${model}, ${name}: ${msPerCall.toFixed(2)} ms per call`,
    );
  } finally {
    await worker.dispose();
  }
}

async function publish(url: URL, model: string, graph: Graph): Promise<void> {
  const response = await fetch(new URL(`/admin/models/${model}/versions/1`, url), {
    method: "PUT",
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    body: buildOnnx(graph),
  });
  if (!response.ok) throw new Error(`publishing ${model} failed: ${await response.text()}`);
}

/** The output tensor with its fields in the order of the comparison. */
function toComparable({ output }: ClientLoopResult): JsonTensor {
  const { name, datatype, shape, data } = output;
  return { name, datatype, shape, data };
}

/** Ratios are computed within a round, which cancels a machine that slows down between rounds. */
function toTable(
  { title }: Workload,
  measurements: Readonly<Record<string, readonly ClientLoopResult[]>>,
): Table {
  const of = (name: string, value: (measurement: ClientLoopResult) => number): number[] =>
    (measurements[name] ?? []).map(value);
  const baseline = of(JSON_ENCODING.name, callMs);
  return {
    title,
    columns: [
      "encoding",
      "KB sent",
      "ms/call",
      "(min - max)",
      "client",
      "Worker",
      "parse",
      "infer",
      "serialize",
      "parse + serialize",
      "JSON / variant",
      "(min - max)",
    ],
    rows: ENCODINGS.map(({ name }) => {
      const each = toSpread(of(name, callMs));
      const ratio = toSpread(
        of(name, callMs).map((value, round) => (baseline[round] ?? 0) / value),
      );
      const median = (value: (measurement: ClientLoopResult) => number): number =>
        toSpread(of(name, value)).median;
      return [
        name,
        (median(({ bytesOut }) => bytesOut) / 1000).toFixed(0),
        each.median.toFixed(2),
        `(${each.min.toFixed(2)} - ${each.max.toFixed(2)})`,
        median(({ elapsedMs, wireMs, runs }) => (elapsedMs - wireMs) / runs).toFixed(2),
        median(phaseMs("total")).toFixed(2),
        median(phaseMs("parse")).toFixed(2),
        median(phaseMs("infer")).toFixed(2),
        median(phaseMs("serialize")).toFixed(2),
        `${(median(serializationShare) * 100).toFixed(0)} %`,
        ratio.median.toFixed(2),
        `(${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)})`,
      ];
    }),
  };
}

function callMs({ elapsedMs, runs }: ClientLoopResult): number {
  return elapsedMs / runs;
}

function phaseMs(phase: Phase): (measurement: ClientLoopResult) => number {
  return ({ phasesMs, runs }) => (phasesMs[phase] ?? 0) / runs;
}

/** The share of parsing and serializing in the Worker's time. */
function serializationShare({ phasesMs }: ClientLoopResult): number {
  const { parse = 0, serialize = 0, total = 0 } = phasesMs;
  return (parse + serialize) / total;
}

function toGraph(op: "ReduceMean" | "Identity", shape: readonly number[]): Graph {
  return {
    inputs: [{ name: "x", datatype: "FP32", shape: SHAPE }],
    outputs: [{ name: "y", datatype: "FP32", shape }],
    nodes: [
      {
        op,
        inputs: ["x"],
        outputs: ["y"],
        attributes: op === "ReduceMean" ? { keepdims: { i: 0 } } : {},
      },
    ],
  };
}

/** Levels from 0 to 255, normalized as for an image model, which gives numbers with many digits. */
function makeImage(): number[] {
  const pixels = new Float32Array(SHAPE.reduce((product, size) => product * size, 1));
  let seed = 1;
  for (let index = 0; index < pixels.length; index++) {
    // The linear congruential generator of Numerical Recipes.
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    pixels[index] = ((seed >>> 24) / 255 - 0.485) / 0.229;
  }
  return [...pixels];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

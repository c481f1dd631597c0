import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";
import { buildOnnx, type Graph } from "../../test/support/onnx-builder.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { type ClientLoopResult, type Phase, runClientLoop } from "../client.ts";
import { toSpread, turn } from "../statistics.ts";
import type { Table } from "../table.ts";
import { assertSameTensors, type JsonTensor } from "../tensor-json.ts";

const ADMIN_KEY = "bench";
const WARM_UP_SECONDS = 1;
/** 150,528 numbers: what most image models take. */
const SHAPE = [1, 3, 224, 224];

interface Encoding {
  readonly name: string;
  readonly binary: boolean;
}

const JSON_ENCODING: Encoding = { name: "JSON", binary: false };
const ENCODINGS: readonly Encoding[] = [JSON_ENCODING, { name: "binary", binary: true }];

/** A model that hardly computes, so that what is measured is the way of its tensors. */
interface Task {
  readonly model: string;
  readonly title: string;
  readonly graph: Graph;
  readonly output: JsonTensor;
  readonly tolerance: number;
}

const image: JsonTensor = { name: "x", datatype: "FP32", shape: SHAPE, data: makeImage() };

const TASKS: readonly Task[] = [
  {
    model: "mean",
    title: "an image in (150,528 FP32), one number out",
    graph: toGraph("ReduceMean", []),
    output: { name: "y", datatype: "FP32", shape: [], data: [mean(image.data)] },
    // Float32 sums of so many numbers.
    tolerance: 1e-4,
  },
  {
    model: "identity",
    title: "an image in, the same image out",
    graph: toGraph("Identity", SHAPE),
    output: { ...image, name: "y" },
    tolerance: 0,
  },
];

/** By model and encoding: one measurement for each round. */
type Measurements = Record<string, Record<string, ClientLoopResult[]>>;

export const binary: Benchmark = {
  name: "binary",
  description: "tensors as bytes against tensors as JSON, from the client's array and back",
  async run(options) {
    options.report("building ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++)
      for (const task of TASKS)
        for (const encoding of turn(ENCODINGS, round))
          await measure(outdir, task, encoding, round, options, raw);
    return { tables: TASKS.map((task) => toTable(task, raw[task.model] ?? {})), raw };
  },
};

async function measure(
  outdir: string,
  { model, graph, output, tolerance }: Task,
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
    assertSameTensors(`${name} (${model})`, [describe(measurement)], [output], () => tolerance);
    raw[model] ??= {};
    const ofModel = raw[model] as Record<string, ClientLoopResult[]>;
    ofModel[name] ??= [];
    // The image is no measurement, and would be most of the file.
    ofModel[name]?.push({ ...measurement, output: { ...measurement.output, data: [] } });
    const eachMs = measurement.elapsedMs / measurement.runs;
    report(`round ${round + 1} of ${rounds}, ${model}, ${name}: ${eachMs.toFixed(2)} ms`);
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
  if (!response.ok) throw new Error(`${model} was not published: ${await response.text()}`);
}

/** The answer's tensor with its fields in the order in which they are compared. */
function describe({ output }: ClientLoopResult): JsonTensor {
  const { name, datatype, shape, data } = output;
  return { name, datatype, shape, data };
}

/** Ratios are taken within a round, so that a machine that slows down between rounds cancels out. */
function toTable(
  { title }: Task,
  measurements: Readonly<Record<string, readonly ClientLoopResult[]>>,
): Table {
  const of = (name: string, value: (measurement: ClientLoopResult) => number): number[] =>
    (measurements[name] ?? []).map(value);
  const baseline = of(JSON_ENCODING.name, eachMs);
  return {
    title,
    columns: [
      "encoding",
      "KB sent",
      "ms each",
      "(min - max)",
      "client",
      "Worker",
      "parse",
      "infer",
      "serialize",
      "parse + serialize",
      "JSON / it",
      "(min - max)",
    ],
    rows: ENCODINGS.map(({ name }) => {
      const each = toSpread(of(name, eachMs));
      const ratio = toSpread(
        of(name, eachMs).map((value, round) => (baseline[round] ?? 0) / value),
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
        `${(median(codingShare) * 100).toFixed(0)} %`,
        ratio.median.toFixed(2),
        `(${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)})`,
      ];
    }),
  };
}

function eachMs({ elapsedMs, runs }: ClientLoopResult): number {
  return elapsedMs / runs;
}

function phaseMs(phase: Phase): (measurement: ClientLoopResult) => number {
  return ({ phasesMs, runs }) => (phasesMs[phase] ?? 0) / runs;
}

/** Of the time that the Worker takes, what it spends between bytes or JSON and tensors. */
function codingShare({ phasesMs }: ClientLoopResult): number {
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

/** Colours from 0 to 255, scaled as models want them, which gives numbers of many digits. */
function makeImage(): number[] {
  const pixels = new Float32Array(SHAPE.reduce((product, size) => product * size, 1));
  let seed = 1;
  for (let index = 0; index < pixels.length; index++) {
    // The generator of Numerical Recipes.
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    pixels[index] = ((seed >>> 24) / 255 - 0.485) / 0.229;
  }
  return [...pixels];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

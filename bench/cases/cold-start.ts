import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { toOrtFormat } from "../../scripts/ort-format.ts";
import { projectPath } from "../../scripts/project.ts";
import { seedModels } from "../../scripts/seed.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";
import { fileKey } from "../../src/storage/model-keys.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { buildVariant } from "../build-variant.ts";
import { toComparisonTable, toOverviewTable } from "../cold-start-tables.ts";
import {
  type ColdStart,
  type ColdTask,
  type ColdVariant,
  measureColdStarts,
  measureMemoryAfterLoad,
  readJson,
} from "../cold-worker.ts";
import { buildDenseModel, type DenseShape, denseInputs } from "../dense-model.ts";
import { runEngineLoop } from "../engine.ts";
import { readSample } from "../sample.ts";
import { turn } from "../statistics.ts";
import { assertSameTensors } from "../tensor-json.ts";

/** Made for the benchmark, because the session API wants the ONNX form of each. */
const MADE: readonly (DenseShape & { readonly model: string })[] = [
  { model: "dense-small", width: 256, hiddenLayers: 3 },
  { model: "dense-5mb", width: 512, hiddenLayers: 20 },
  { model: "dense-20mb", width: 1024, hiddenLayers: 20 },
];
/** Real ones, of which models/ has the ORT form alone. */
const REAL = ["imagenet-classification", "sentence-embeddings"];

const ADMIN_KEY = "bench";
/** Of a value, how far an answer may be from the engine's own. */
const RELATIVE_TOLERANCE = 1e-5;

interface Task extends ColdTask {
  readonly title: string;
  /** Of the file that onnxflare loads. */
  readonly sizeBytes: number;
  readonly variants: readonly ColdVariant[];
}

interface MadeModel {
  readonly model: string;
  readonly onnxFile: string;
  readonly ort: Uint8Array<ArrayBuffer>;
  readonly onnx: Uint8Array<ArrayBuffer>;
}

/** By model and variant. */
interface Measurements {
  readonly memoryAfterLoadBytes: Record<string, Record<string, number>>;
  /** One for each round. */
  readonly starts: Record<string, Record<string, ColdStart[]>>;
}

export const coldStart: Benchmark = {
  name: "cold-start",
  description:
    "first answer of a new isolate, memory and run time against the package's session API",
  async run(options) {
    options.report("building, making models and publishing ...");
    const { made, real } = await prepare();
    const tasks = [...made, ...real];
    const raw: Measurements = { memoryAfterLoadBytes: {}, starts: {} };
    for (const task of tasks) raw.memoryAfterLoadBytes[task.model] = await measureMemory(task);
    for (let round = 0; round < options.rounds; round++)
      for (const task of tasks) await measure(task, round, options, raw);
    const withResults = (task: Task) => ({
      ...task,
      memoryAfterLoadBytes: raw.memoryAfterLoadBytes[task.model] ?? {},
      starts: raw.starts[task.model] ?? {},
    });
    return {
      tables: [
        ...made.map(withResults).map(toComparisonTable),
        toOverviewTable(real.map(withResults)),
      ],
      raw,
    };
  },
};

async function prepare(): Promise<{ made: Task[]; real: Task[] }> {
  const own = createTemporaryFolder("bench-onnxflare");
  const folder = createTemporaryFolder("bench-models");
  const [sessionApi, models] = await Promise.all([
    buildVariant("session-api"),
    Promise.all(MADE.map((shape) => make(folder, shape))),
    buildWorker(own),
  ]);
  const statePath = await publish(own, models);
  const subject: ColdVariant = {
    name: "onnxflare",
    outdir: own,
    statePath,
    vars: { ADMIN_KEY, CACHE_TIERS: "", EVENT_LOG: "off", REPOSITORY_CONTROL: "open" },
    readMemoryBytes: readCells,
  };
  const rival: ColdVariant = {
    name: "session API",
    outdir: sessionApi,
    statePath,
    vars: {},
    readMemoryBytes: readEngineMemory,
  };
  return {
    made: await Promise.all(models.map((model) => toMadeTask(model, [subject, rival]))),
    real: REAL.map((model) => toRealTask(model, [subject])),
  };
}

async function make(
  folder: string,
  { model, ...shape }: (typeof MADE)[number],
): Promise<MadeModel> {
  const onnx = buildDenseModel(shape);
  const onnxFile = join(folder, `${model}.onnx`);
  writeFileSync(onnxFile, onnx);
  return { model, onnxFile, onnx, ort: await toOrtFormat(onnx, "all") };
}

/** One simulated bucket for all, with the ORT form published and the ONNX form beside it. */
async function publish(outdir: string, models: readonly MadeModel[]): Promise<string> {
  const statePath = createTemporaryFolder("bench-state");
  const worker = await startLocalWorker({ outdir, statePath, vars: { ADMIN_KEY } });
  try {
    const bucket = await worker.bucket();
    await seedModels(bucket, projectPath("models"));
    for (const { model, onnx, ort } of models) {
      const response = await fetch(new URL(`/admin/models/${model}/versions/1`, worker.url), {
        method: "PUT",
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
        body: ort,
      });
      if (!response.ok) throw new Error(`${model} was not published: ${await response.text()}`);
      await bucket.put(fileKey({ name: model, version: "1" }, "model.onnx"), onnx);
    }
  } finally {
    await worker.dispose();
  }
  return statePath;
}

/** Right is what the engine answers for the ONNX form, which must be what it answers for the ORT form. */
async function toMadeTask(
  { model, onnxFile, onnx, ort }: MadeModel,
  variants: readonly ColdVariant[],
): Promise<Task> {
  const ortFile = `${onnxFile}.ort`;
  writeFileSync(ortFile, ort);
  const inputs = denseInputs();
  const run = { inputs, warmUpSeconds: 0, seconds: 0 };
  const { outputs } = await runEngineLoop({ ...run, modelFile: onnxFile });
  const tolerance = (_: string, value: number): number => RELATIVE_TOLERANCE * Math.abs(value);
  const converted = await runEngineLoop({ ...run, modelFile: ortFile });
  assertSameTensors(`the ORT form of ${model}`, converted.outputs, outputs, tolerance);
  if (new Set(outputs[0]?.data).size < 2) throw new Error(`${model} answers one value everywhere`);
  const sizes = `${mega(onnx.byteLength)} MB as ONNX, ${mega(ort.byteLength)} MB as ORT`;
  return {
    model,
    title: `${model}: int8, ${sizes}`,
    sizeBytes: ort.byteLength,
    inputs,
    outputs,
    tolerance,
    variants,
  };
}

function toRealTask(model: string, variants: readonly ColdVariant[]): Task {
  const { tolerance, ...sample } = readSample(model);
  const { size } = statSync(projectPath("models", model, "1", "model.ort"));
  return {
    model,
    title: model,
    sizeBytes: size,
    ...sample,
    tolerance: (name) => tolerance[name] ?? 0,
    variants,
  };
}

async function readCells(url: URL): Promise<number> {
  const runtime = (await readJson(new URL("/admin/runtime", url), {
    authorization: `Bearer ${ADMIN_KEY}`,
  })) as { cells: readonly { memoryBytes: number }[] };
  return runtime.cells.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
}

async function readEngineMemory(url: URL): Promise<number> {
  const { memoryBytes } = (await readJson(new URL("/memory", url))) as { memoryBytes: number };
  return memoryBytes;
}

/** Once is enough: it is the same in each process. */
async function measureMemory({ model, variants }: Task): Promise<Record<string, number>> {
  const bytes: Record<string, number> = {};
  for (const variant of variants)
    bytes[variant.name] = await measureMemoryAfterLoad(variant, model);
  return bytes;
}

async function measure(
  task: Task,
  round: number,
  { rounds, seconds, report }: BenchmarkOptions,
  raw: Measurements,
): Promise<void> {
  const variants = turn(task.variants, round);
  const measured = await measureColdStarts(variants, task, seconds);
  raw.starts[task.model] ??= {};
  const ofModel = raw.starts[task.model] as Record<string, ColdStart[]>;
  for (const [index, { name }] of variants.entries()) {
    const start = measured[index];
    if (!start) continue;
    ofModel[name] ??= [];
    ofModel[name]?.push(start);
    const { firstAnswerMs, runMs } = start;
    report(
      `round ${round + 1} of ${rounds}, ${task.model}, ${name}: first answer ${firstAnswerMs.toFixed(0)} ms, run ${runMs.toFixed(2)} ms`,
    );
  }
}

function mega(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

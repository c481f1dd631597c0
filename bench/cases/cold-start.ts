import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seedModels } from "../../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { toOrtFormat } from "../../scripts/ort-format.ts";
import { projectPath } from "../../scripts/project.ts";
import { fileKey } from "../../src/storage/model-keys.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { buildVariant } from "../build-variant.ts";
import { toComparisonTable, toOverviewTable } from "../cold-start-tables.ts";
import {
  type ColdStart,
  type ColdStartVariant,
  type ColdStartWorkload,
  measureColdStarts,
  measureMemoryAfterLoad,
  readJson,
} from "../cold-start-worker.ts";
import { buildDenseModel, type DenseShape, denseInputs } from "../dense-model.ts";
import { runEngineLoop } from "../engine-loop.ts";
import { readSample } from "../sample.ts";
import { rotate } from "../statistics.ts";
import { assertSameTensors } from "../tensor-json.ts";

/** Generated, because the session API needs the ONNX file of each. */
const GENERATED: readonly (DenseShape & { readonly model: string })[] = [
  { model: "dense-small", width: 256, hiddenLayers: 3 },
  { model: "dense-5mb", width: 512, hiddenLayers: 20 },
  { model: "dense-20mb", width: 1024, hiddenLayers: 20 },
];
/** Models of models/, which has only their ORT files. */
const PUBLISHED = ["imagenet-classification", "sentence-embeddings"];

const ADMIN_KEY = "bench";
/** Largest relative difference from the engine's own outputs. */
const RELATIVE_TOLERANCE = 1e-5;

interface Workload extends ColdStartWorkload {
  readonly title: string;
  /** Size of the file that onnxflare loads. */
  readonly sizeBytes: number;
  readonly variants: readonly ColdStartVariant[];
}

interface GeneratedModel {
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
    "first response of a new isolate, memory and run time, compared with the package's session API",
  async run(options) {
    options.report("building, generating and publishing models ...");
    const { generated, published } = await prepare();
    const workloads = [...generated, ...published];
    const raw: Measurements = { memoryAfterLoadBytes: {}, starts: {} };
    for (const workload of workloads)
      raw.memoryAfterLoadBytes[workload.model] = await measureMemory(workload);
    for (let round = 0; round < options.rounds; round++)
      for (const workload of workloads) await measure(workload, round, options, raw);
    const withResults = (workload: Workload) => ({
      ...workload,
      memoryAfterLoadBytes: raw.memoryAfterLoadBytes[workload.model] ?? {},
      starts: raw.starts[workload.model] ?? {},
    });
    return {
      tables: [
        ...generated.map(withResults).map(toComparisonTable),
        toOverviewTable(published.map(withResults)),
      ],
      raw,
    };
  },
};

async function prepare(): Promise<{ generated: Workload[]; published: Workload[] }> {
  const own = createTemporaryFolder("bench-onnxflare");
  const folder = createTemporaryFolder("bench-models");
  const [sessionApi, models] = await Promise.all([
    buildVariant("session-api"),
    Promise.all(GENERATED.map((shape) => generate(folder, shape))),
    buildWorker(own),
  ]);
  const statePath = await publish(own, models);
  const subject: ColdStartVariant = {
    name: "onnxflare",
    outdir: own,
    statePath,
    vars: { ADMIN_KEY, CACHE_TIERS: "", EVENT_LOG: "off", REPOSITORY_CONTROL: "open" },
    readMemoryBytes: readCells,
  };
  const baseline: ColdStartVariant = {
    name: "session API",
    outdir: sessionApi,
    statePath,
    vars: {},
    readMemoryBytes: readEngineMemory,
  };
  return {
    generated: await Promise.all(
      models.map((model) => toGeneratedWorkload(model, [subject, baseline])),
    ),
    published: PUBLISHED.map((model) => toPublishedWorkload(model, [subject])),
  };
}

async function generate(
  folder: string,
  { model, ...shape }: (typeof GENERATED)[number],
): Promise<GeneratedModel> {
  const onnx = buildDenseModel(shape);
  const onnxFile = join(folder, `${model}.onnx`);
  writeFileSync(onnxFile, onnx);
  return { model, onnxFile, onnx, ort: await toOrtFormat(onnx, "all") };
}

/** One simulated bucket for all variants, with the ORT file published and the ONNX file beside it. */
async function publish(outdir: string, models: readonly GeneratedModel[]): Promise<string> {
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
      if (!response.ok) throw new Error(`publishing ${model} failed: ${await response.text()}`);
      await bucket.put(fileKey({ name: model, version: "1" }, "model.onnx"), onnx);
    }
  } finally {
    await worker.dispose();
  }
  return statePath;
}

/** The expected outputs are the engine's for the ONNX file, which must equal those for the ORT file. */
async function toGeneratedWorkload(
  { model, onnxFile, onnx, ort }: GeneratedModel,
  variants: readonly ColdStartVariant[],
): Promise<Workload> {
  const ortFile = `${onnxFile}.ort`;
  writeFileSync(ortFile, ort);
  const inputs = denseInputs();
  const run = { inputs, warmUpSeconds: 0, seconds: 0 };
  const { outputs } = await runEngineLoop({ ...run, modelFile: onnxFile });
  const tolerance = (_: string, value: number): number => RELATIVE_TOLERANCE * Math.abs(value);
  const converted = await runEngineLoop({ ...run, modelFile: ortFile });
  assertSameTensors(`the ORT file of ${model}`, converted.outputs, outputs, tolerance);
  if (new Set(outputs[0]?.data).size < 2) throw new Error(`all outputs of ${model} are equal`);
  const sizes = `${toMegabytes(onnx.byteLength)} MB as ONNX, ${toMegabytes(ort.byteLength)} MB as ORT`;
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

function toPublishedWorkload(model: string, variants: readonly ColdStartVariant[]): Workload {
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

/** Measured once, because it is the same in each process. */
async function measureMemory({ model, variants }: Workload): Promise<Record<string, number>> {
  const bytes: Record<string, number> = {};
  for (const variant of variants)
    bytes[variant.name] = await measureMemoryAfterLoad(variant, model);
  return bytes;
}

async function measure(
  workload: Workload,
  round: number,
  { rounds, seconds, report }: BenchmarkOptions,
  raw: Measurements,
): Promise<void> {
  const variants = rotate(workload.variants, round);
  const measured = await measureColdStarts(variants, workload, seconds);
  raw.starts[workload.model] ??= {};
  const ofModel = raw.starts[workload.model] as Record<string, ColdStart[]>;
  for (const [index, { name }] of variants.entries()) {
    const start = measured[index];
    if (!start) continue;
    ofModel[name] ??= [];
    ofModel[name]?.push(start);
    const { firstResponseMs, runMs } = start;
    report(
      `round ${round + 1} of ${rounds}, ${workload.model}, ${name}: first response ${firstResponseMs.toFixed(0)} ms, run ${runMs.toFixed(2)} ms`,
    );
  }
}

function toMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

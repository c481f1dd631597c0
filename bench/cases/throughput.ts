import { seedModels } from "../../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { buildVariant } from "../build-variant.ts";
import { runEngineLoop } from "../engine-loop.ts";
import { readSample } from "../sample.ts";
import { rotate, toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { assertSameTensors, type InferResponse } from "../tensor-json.ts";
import {
  engineVariant,
  type Measurement,
  type Variant,
  type Workload,
  workerVariant,
} from "../variants.ts";

/** The smallest model, dominated by the service's overhead, and one dominated by the engine. */
const MODELS = ["iris-logistic", "digits-cnn"];
/** The variant that the others are compared with. */
const SUBJECT = "onnxflare";

/** By model and variant: one measurement for each round. */
type Measurements = Record<string, Record<string, Measurement[]>>;

export const throughput: Benchmark = {
  name: "throughput",
  description: "requests per second of the whole Worker, compared with its components",
  async run(options) {
    options.report("building and seeding ...");
    const variants = await prepareVariants();
    const workloads = await Promise.all(MODELS.map(prepareWorkload));
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++)
      for (const workload of workloads)
        for (const variant of rotate(variants, round))
          await measure(variant, workload, round, options, raw);
    const names = variants.map(({ name }) => name);
    return { tables: MODELS.map((model) => toTable(model, names, raw[model] ?? {})), raw };
  },
};

async function prepareVariants(): Promise<Variant[]> {
  const own = createTemporaryFolder("bench-onnxflare");
  const [bareJson, sessionApi] = await Promise.all([
    buildVariant("bare-json"),
    buildVariant("session-api"),
    buildWorker(own),
  ]);
  const statePath = await seedState(own);
  return [
    workerVariant(SUBJECT, { outdir: own, statePath, vars: () => ({ EVENT_LOG: "on" }) }),
    workerVariant(`${SUBJECT}, EVENT_LOG=off`, {
      outdir: own,
      statePath,
      vars: () => ({ EVENT_LOG: "off" }),
    }),
    workerVariant("bare Hono route, no model", {
      outdir: bareJson,
      statePath,
      vars: (workload) => ({ RESPONSE: JSON.stringify(toResponse(workload)) }),
    }),
    workerVariant("session API in workerd", { outdir: sessionApi, statePath }),
    engineVariant("session API in a Node loop"),
  ];
}

/** Seeds one simulated bucket on disk for all variants. */
async function seedState(outdir: string): Promise<string> {
  const statePath = createTemporaryFolder("bench-state");
  const worker = await startLocalWorker({ outdir, statePath });
  try {
    await seedModels(await worker.bucket(), projectPath("models"));
  } finally {
    await worker.dispose();
  }
  return statePath;
}

/** The expected outputs are the engine's own, checked against those of an independent engine. */
async function prepareWorkload(model: string): Promise<Workload> {
  const sample = readSample(model);
  const modelFile = projectPath("models", model, "1", "model.onnx");
  const { inputs } = sample;
  const { outputs } = await runEngineLoop({ modelFile, inputs, warmUpSeconds: 0, seconds: 0 });
  assertSameTensors(
    `ONNX Runtime Web (${model})`,
    outputs,
    sample.outputs,
    (name) => sample.tolerance[name] ?? 0,
  );
  return { model, modelFile, inputs, outputs };
}

function toResponse({ model, outputs }: Workload): InferResponse {
  return { model_name: model, model_version: "1", id: "", outputs };
}

async function measure(
  variant: Variant,
  workload: Workload,
  round: number,
  options: BenchmarkOptions,
  raw: Measurements,
): Promise<void> {
  const measurement = await variant.measure(workload, options);
  raw[workload.model] ??= {};
  const ofModel = raw[workload.model] as Record<string, Measurement[]>;
  ofModel[variant.name] ??= [];
  ofModel[variant.name]?.push(measurement);
  options.report(
    `round ${round + 1} of ${options.rounds}, ${workload.model}, ${variant.name}: ${Math.round(measurement.perSecond)}/s`,
  );
}

/** Ratios are computed within a round, which cancels a machine that slows down between rounds. */
function toTable(
  model: string,
  names: readonly string[],
  measurements: Readonly<Record<string, readonly Measurement[]>>,
): Table {
  const rates = (name: string): number[] =>
    (measurements[name] ?? []).map(({ perSecond }) => perSecond);
  const own = rates(SUBJECT);
  return {
    title: model,
    columns: [
      "variant",
      "requests/s",
      "(min - max)",
      "us/request",
      "onnxflare / variant",
      "(min - max)",
    ],
    rows: names.map((name) => {
      const rate = toSpread(rates(name));
      const ratio = toSpread(rates(name).map((value, round) => (own[round] ?? 0) / value));
      return [
        name,
        rate.median.toFixed(0),
        `(${rate.min.toFixed(0)} - ${rate.max.toFixed(0)})`,
        (1e6 / rate.median).toFixed(0),
        ratio.median.toFixed(2),
        `(${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)})`,
      ];
    }),
  };
}

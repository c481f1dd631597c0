import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { seedModels } from "../../scripts/seed.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { buildVariant } from "../build-variant.ts";
import { runEngineLoop } from "../engine.ts";
import { readSample } from "../sample.ts";
import { toSpread, turn } from "../statistics.ts";
import type { Table } from "../table.ts";
import { assertSameTensors, type InferResponse } from "../tensor-json.ts";
import {
  engineVariant,
  type Measurement,
  type Task,
  type Variant,
  workerVariant,
} from "../variants.ts";

/** The smallest model, where everything but the engine counts, and one where the engine counts. */
const MODELS = ["iris-logistic", "digits-cnn"];
/** The variant that the others are compared with. */
const SUBJECT = "onnxflare";

/** By model and variant: one measurement for each round. */
type Measurements = Record<string, Record<string, Measurement[]>>;

export const throughput: Benchmark = {
  name: "throughput",
  description: "requests per second of the whole Worker against what it is made of",
  async run(options) {
    options.report("building and seeding ...");
    const variants = await prepareVariants();
    const tasks = await Promise.all(MODELS.map(prepareTask));
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++)
      for (const task of tasks)
        for (const variant of turn(variants, round))
          await measure(variant, task, round, options, raw);
    const names = variants.map(({ name }) => name);
    return { tables: MODELS.map((model) => toTable(model, names, raw[model] ?? {})), raw };
  },
};

async function prepareVariants(): Promise<Variant[]> {
  const own = createTemporaryFolder("bench-onnxflare");
  const [bareEcho, sessionApi] = await Promise.all([
    buildVariant("bare-echo"),
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
      outdir: bareEcho,
      statePath,
      vars: (task) => ({ ANSWER: JSON.stringify(toAnswer(task)) }),
    }),
    workerVariant("session API in workerd", { outdir: sessionApi, statePath }),
    engineVariant("session API in a Node loop"),
  ];
}

/** Fills one simulated bucket, which every variant then finds on disk. */
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

/** The engine's answer is what every variant must give, once it agrees with the other engine's. */
async function prepareTask(model: string): Promise<Task> {
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

function toAnswer({ model, outputs }: Task): InferResponse {
  return { model_name: model, model_version: "1", id: "", outputs };
}

async function measure(
  variant: Variant,
  task: Task,
  round: number,
  options: BenchmarkOptions,
  raw: Measurements,
): Promise<void> {
  const measurement = await variant.measure(task, options);
  raw[task.model] ??= {};
  const ofModel = raw[task.model] as Record<string, Measurement[]>;
  ofModel[variant.name] ??= [];
  ofModel[variant.name]?.push(measurement);
  options.report(
    `round ${round + 1} of ${options.rounds}, ${task.model}, ${variant.name}: ${Math.round(measurement.perSecond)}/s`,
  );
}

/** Ratios are taken within a round, so that a machine that slows down between rounds cancels out. */
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
    columns: ["variant", "per second", "(min - max)", "us each", "onnxflare / it", "(min - max)"],
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

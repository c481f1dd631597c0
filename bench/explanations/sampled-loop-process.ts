import { readFileSync } from "node:fs";
import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-web/wasm";
import { readModelFile, readModelFolder } from "../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../scripts/project.ts";
import { createCall } from "../../src/domain/call.ts";
import { type Tensor, toBytes, toTypedArray } from "../../src/domain/tensor.ts";
import type { ExplanationRequest } from "../../src/explain/method.ts";
import { kernelMethod } from "../../src/explain/methods/kernel-method.ts";
import { permutationMethod } from "../../src/explain/methods/permutation-method.ts";
import { DEFAULT_MAX_RUNS } from "../../src/explain/plan-coalitions.ts";
import { createExplainedVersion } from "../../src/inference/explaining/explained-version.ts";
import { RunBudget } from "../../src/inference/explaining/run-budget.ts";
import { createClassificationPostprocessor } from "../../src/tasks/numeric/classification-postprocessor.ts";
import { createTabularPreprocessor } from "../../src/tasks/tabular/tabular-preprocessor.ts";
import type { SampledLoop, SampledResult } from "./sampled-loop.ts";

// The program behind sampled-loop.ts: reads a SampledLoop from standard input, prints a list of SampledResult.
const BACKGROUND_ROWS = 100;
/** Runs of an explanation that the loop repeats: what a run takes depends on its numbers, and the processor's cache holds so many. */
const REPLAYED = 16;
const WARM_UPS = 200;
const WARM_UP_SHARE = 20;
const METHODS = [kernelMethod, permutationMethod];

const loop = JSON.parse(readFileSync(0, "utf8")) as SampledLoop;
const model = readModelFolder(projectPath("models")).find(
  ({ manifest }) => manifest.name === loop.model,
);
if (!model) throw new Error(`models/ has no ${loop.model}`);
const { manifest } = model;
const { preprocess, postprocess, labels = [] } = manifest;
const [spec] = manifest.inputs;
if (!spec || preprocess?.type !== "tabular" || postprocess?.type !== "classification")
  throw new Error(`${loop.model} is no classifier of tables`);
env.wasm.numThreads = 1;
const session = await InferenceSession.create(readModelFile(model, manifest.file));
const preprocessor = createTabularPreprocessor(spec, preprocess);
const postprocessor = createClassificationPostprocessor(postprocess, labels);
// A timer takes a millisecond in Node, and a tenth of that in workerd.
const call = createCall({ yieldSlice: () => new Promise((resume) => setImmediate(resume)) });
/** Inputs of runs, while they are recorded. */
let seen: Tensor[] | undefined;
const budget = new RunBudget(Number.MAX_SAFE_INTEGER);
const version = createExplainedVersion(
  {
    host: {
      async infer({ inputs: [input], outputs = [] }) {
        seen?.push(structuredClone(input as Tensor));
        return [await run(input as Tensor, outputs[0] ?? "")];
      },
      execute: () => Promise.reject(new Error("no task is run here")),
    },
    blocks: async () => ({ preprocessor, postprocessor }),
    readFile: async (_, path) => readModelFile(model, path),
  },
  {
    model: { ...manifest, manifest, revision: "1", versions: [manifest.version] },
    call,
    budget,
    background: async () => rows(BACKGROUND_ROWS),
  },
);
const results: SampledResult[] = [];
for (const method of METHODS.filter(({ name }) => loop.methods.includes(name)))
  results.push(await measure(method));
console.log(JSON.stringify(results));

async function run(input: Tensor, output: string): Promise<Tensor> {
  if (input.datatype !== "FP32") throw new Error(`input ${input.name} must be FP32`);
  const values = toTypedArray(input) as Float32Array;
  const fed = new OrtTensor("float32", values, input.shape);
  const found = (await session.run({ [input.name]: fed }, [output]))[output];
  if (!found) throw new Error(`the model has no output ${output}`);
  const data = toBytes(found.data as Float32Array);
  return { name: output, datatype: "FP32", shape: found.dims, data };
}

/** Held-out rows, again and again with other numbers, so that all columns differ. */
function rows(count: number): number[][] {
  const path = projectPath("test", "fixtures", "expected", `${loop.model}.json`);
  const [tensor] = JSON.parse(readFileSync(path, "utf8")).inputs;
  const [known, width] = tensor.shape as [number, number];
  return Array.from({ length: count }, (_, row) =>
    (tensor.data as number[])
      .slice((row % known) * width, ((row % known) + 1) * width)
      .map((value) => value * (1 + row / 1000)),
  );
}

/** What the process has worked, whatever else the machine does. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Turn by turn, so that both have the same machine. */
async function measure(method: (typeof METHODS)[number]): Promise<SampledResult> {
  const request: ExplanationRequest<Record<string, never>> = {
    version,
    inputs: rows(BACKGROUND_ROWS + 1).at(-1),
    space: undefined,
    output: undefined,
    maxRuns: undefined,
    limit: 200_000,
    seed: 0,
    background: undefined,
    backgroundRows: BACKGROUND_ROWS,
    parameters: {},
  };
  const rowsPerRun = preprocessor.maxBatch;
  const [output = ""] = postprocessor.outputs;
  // As many coalitions of fewer rows: until all of it is compiled for speed.
  for (let seed = 0; seed < WARM_UPS; seed++) {
    const maxRuns = DEFAULT_MAX_RUNS / WARM_UP_SHARE;
    const backgroundRows = BACKGROUND_ROWS / WARM_UP_SHARE;
    await (await method.plan({ ...request, seed, maxRuns, backgroundRows })).explain();
  }
  seen = [];
  await (await method.plan(request)).explain();
  const whole = seen.filter(({ shape }) => shape[0] === rowsPerRun);
  seen = undefined;
  const inputs = Array.from(
    { length: REPLAYED },
    (_, index) => whole[Math.floor((index * whole.length) / REPLAYED)] as Tensor,
  );
  const ms = { explained: 0, loop: 0 };
  let [explained, looped, runs] = [0, 0, 0];
  for (let turn = 0; ms.explained + ms.loop < loop.seconds * 1000; turn++) {
    const plan = await method.plan({ ...request, seed: turn });
    const start = cpuMs();
    ({ runs } = (await plan.explain()) as { readonly runs: number });
    const between = cpuMs();
    let done = 0;
    for (let at = 0; done < runs; done += rowsPerRun, at++)
      await run(inputs[at % REPLAYED] as Tensor, output);
    const end = cpuMs();
    ms.explained += between - start;
    ms.loop += end - between;
    explained += runs;
    looped += done;
  }
  return {
    method: method.name,
    runs,
    rowsPerRun,
    explainedPerSecond: (explained / ms.explained) * 1000,
    loopPerSecond: (looped / ms.loop) * 1000,
  };
}

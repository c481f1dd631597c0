import { type FolderModel, readModelFile } from "../../packages/cli/src/local/model-folder.ts";
import { type Call, createCall } from "../../src/domain/call.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { memberModel } from "../../src/domain/member-models.ts";
import { type Tensor, toBytes, toTypedArray } from "../../src/domain/tensor.ts";
import type { ExplainedVersion, VersionBlocks } from "../../src/explain/explained-version.ts";
import type { ExplanationRequest } from "../../src/explain/method.ts";
import { OrtInstance } from "../../src/runtime/ort-instance.ts";
import { OrtSession } from "../../src/runtime/ort-session.ts";
import { createBatchTask } from "../../src/tasks/batch-task.ts";
import { createArrayPreprocessor } from "../../src/tasks/numeric/array-preprocessor.ts";
import { createClassificationPostprocessor } from "../../src/tasks/numeric/classification-postprocessor.ts";
import { createClusteringPostprocessor } from "../../src/tasks/numeric/clustering-postprocessor.ts";
import { createRegressionPostprocessor } from "../../src/tasks/numeric/regression-postprocessor.ts";
import type { AnyPostprocessor } from "../../src/tasks/postprocessor.ts";
import type { AnyPreprocessor } from "../../src/tasks/preprocessor.ts";
import { createTabularPreprocessor } from "../../src/tasks/tabular/tabular-preprocessor.ts";

/** A version of `models/`, run by the engine in Node, whose runs are counted. */
export interface TestVersion extends ExplainedVersion {
  /** Rows that the model was run for. */
  readonly rows: number;
  /** Runs of the engine. */
  readonly runs: number;
}

export interface TestVersionOptions {
  readonly background?: readonly unknown[] | undefined;
  readonly call?: Call;
  /** Instead of the engine: the outputs of rows. */
  readonly compute?: ((inputs: readonly Tensor[]) => readonly Tensor[]) | undefined;
}

/** One engine for all models of a file. */
let engine: Promise<OrtInstance> | undefined;

export async function explainedVersion(
  model: FolderModel,
  { background, call = createCall(), compute }: TestVersionOptions = {},
): Promise<TestVersion> {
  const { manifest } = model;
  const run = compute ?? (await runnerOf(model));
  const counted = { rows: 0, runs: 0 };
  const infer = async (inputs: readonly Tensor[], outputs: readonly string[], rows: number) => {
    counted.rows += rows;
    counted.runs += 1;
    const results = run(inputs, outputs);
    return outputs.map((name) => results.find((result) => result.name === name) as Tensor);
  };
  const version: ExplainedVersion = {
    model: { ...manifest, manifest, revision: "1", versions: [manifest.version] },
    call,
    infer,
    execute: (request, rows) => {
      const { preprocessor, postprocessor } = blocksOf(manifest);
      const models = {
        infer: (inputs: readonly Tensor[], outputs: readonly string[]) =>
          infer(inputs, outputs, rows),
        lease: () => Promise.reject(new Error("no leases")),
      };
      return createBatchTask(preprocessor, postprocessor).execute(request, models, call);
    },
    blocks: async () => blocksOf(manifest),
    background: async () => background,
    readFile: async (path) => readModelFile(model, path),
  };
  return Object.defineProperties(version, {
    rows: { get: () => counted.rows },
    runs: { get: () => counted.runs },
  }) as TestVersion;
}

/** A request with the defaults of the service. */
export function explanationRequest<P>(
  version: ExplainedVersion,
  inputs: unknown,
  parameters: P,
  changes: Partial<ExplanationRequest<P>> = {},
): ExplanationRequest<P> {
  return {
    version,
    inputs,
    space: undefined,
    output: undefined,
    maxRuns: undefined,
    limit: 200_000,
    seed: 0,
    background: undefined,
    backgroundRows: undefined,
    parameters,
    ...changes,
  };
}

/** A tensor of floats for {@link TestVersionOptions.compute}. */
export function floatTensor(name: string, shape: readonly number[], values: Iterable<number>) {
  return { name, datatype: "FP32", shape, data: toBytes(Float32Array.from(values)) } as const;
}

/** The rows of the one input. */
export function rowsOf([input]: readonly Tensor[]): number[][] {
  if (!input || input.datatype === "BYTES") throw new Error("no numbers");
  const values = Array.from(toTypedArray(input) as ArrayLike<number | bigint>, Number);
  const [rows = 0] = input.shape;
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.slice(row * width, (row + 1) * width));
}

async function runnerOf(model: FolderModel) {
  engine ??= OrtInstance.create(() => true);
  const instance = await engine;
  const { file, format, runtime } = memberModel(model.manifest, undefined);
  const bytes = readModelFile(model, file);
  const address = instance.allocate(bytes.byteLength);
  instance.heap.set(bytes, address);
  const session = new OrtSession(instance, address, bytes.byteLength, { format, ...runtime });
  return (inputs: readonly Tensor[], outputs: readonly string[]) => session.run(inputs, outputs);
}

function blocksOf(manifest: Manifest): VersionBlocks {
  const { preprocess, postprocess, labels = [] } = manifest;
  const spec = manifest.inputs.find(
    ({ name }) => preprocess && "input" in preprocess && name === preprocess.input,
  );
  if (!spec) throw new Error(`${manifest.name} takes no numbers`);
  let preprocessor: AnyPreprocessor;
  if (preprocess?.type === "tabular") preprocessor = createTabularPreprocessor(spec, preprocess);
  else if (preprocess?.type === "array") preprocessor = createArrayPreprocessor(spec);
  else throw new Error(`${manifest.name} has no block of numbers`);
  let postprocessor: AnyPostprocessor;
  if (postprocess?.type === "classification")
    postprocessor = createClassificationPostprocessor(postprocess, labels);
  else if (postprocess?.type === "regression")
    postprocessor = createRegressionPostprocessor(postprocess);
  else if (postprocess?.type === "clustering")
    postprocessor = createClusteringPostprocessor(postprocess, labels);
  else throw new Error(`${manifest.name} has no block of numbers`);
  return { preprocessor, postprocessor };
}

import { yieldToEventLoop } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { OnnxGraph } from "../../onnx/graph/onnx-graph.ts";
import { MAX_GRAPH_BYTES, readGraph } from "../../onnx/graph/read-graph.ts";
import { OnnxError } from "../../onnx/onnx-scanner.ts";
import { CreatedOnce } from "../../shared/created-once.ts";
import { LruMap } from "../../shared/lru-map.ts";
import { inputSpecs } from "../../tasks/input-specs.ts";
import { runInSteps } from "../../tasks/run-in-steps.ts";
import type { ExplainedVersion } from "../explained-version.ts";
import { postTransform } from "../operators/links.ts";
import { createTableOutputs } from "../table/table-outputs.ts";
import { isTable } from "../table/table-reader.ts";
import { UnexplainableError } from "./element.ts";
import type { ExplainableGraph, UnexplainableGraph } from "./explainable-graph.ts";
import { toExplainableGraph } from "./to-explainable-graph.ts";
import { traceOutput } from "./trace-output.ts";
import { countOf } from "./value.ts";

/** What all kept graphs take together; one that takes more is read for each explanation. */
const MAX_KEPT_BYTES = 50_331_648;
/** Of a graph beside its weights. */
const GRAPH_BYTES = 65_536;
const FEATURE_BYTES = 300;
const NODE_BYTES = 36;
/** How long an explanation waits for the graph that another one reads. */
const MAX_WAIT_MS = 10_000;

/** A version, for as long as its graph is kept. */
interface Kept {
  readonly model: string;
}

const kept = new LruMap<string, Kept>(MAX_KEPT_BYTES);
const graphs = new CreatedOnce<Kept, ExplainableGraph | UnexplainableGraph>(MAX_WAIT_MS);

/**
 * The columns and the head of a version, of its graph. They are kept for its next explanations.
 * @returns the reason for a version that is explained by running it only
 * @throws ApiError when the file cannot be read
 */
export async function readExplainableGraph(
  version: ExplainedVersion,
): Promise<ExplainableGraph | UnexplainableGraph> {
  const { manifest, name, revision, version: number } = version.model;
  const shape = rowShapeOf(manifest);
  if (typeof shape === "string") return { reason: shape };
  const model = `${name}/${number}@${revision}`;
  const own = kept.get(model) ?? { model };
  if (!kept.has(model)) kept.set(model, own, GRAPH_BYTES);
  const { deadline, waitUntil } = version.call;
  return graphs.get(own, () => createGraph(version, shape, own), { deadline, waitUntil });
}

async function createGraph(
  version: ExplainedVersion,
  shape: readonly number[],
  own: Kept,
): Promise<ExplainableGraph | UnexplainableGraph> {
  const { manifest } = version.model;
  try {
    const output = outputOf(manifest);
    const file = await version.readFile(manifest.file);
    // Other explanations wait for it as well, so that the end of this one does not end it.
    const graph = await runInSteps(explain(file, output, shape, manifest), yieldToEventLoop);
    kept.set(own.model, own, sizeOf(graph));
    return graph;
  } catch (error) {
    if (error instanceof UnexplainableError) return { reason: error.message };
    // The engine reads more forms than are read here.
    if (error instanceof OnnxError)
      return { reason: `the model's graph cannot be read: ${error.message}` };
    throw error;
  }
}

function* explain(
  file: Uint8Array,
  output: string,
  shape: readonly number[],
  manifest: Manifest,
): Generator<undefined, ExplainableGraph> {
  const graph: OnnxGraph = yield* readGraph(file);
  const value = yield* traceOutput(graph, output, shape);
  const { postprocess, labels = [] } = manifest;
  const isClassifier = postprocess?.type === "classification";
  const activation = isClassifier ? postprocess.activation : "none";
  return toExplainableGraph(postTransform(value, TRANSFORMS[activation]), countOf(shape), {
    isClassifier,
    labels: labels.length,
  });
}

/** What a postprocessor applies, as operators call it. */
const TRANSFORMS = { none: "NONE", sigmoid: "LOGISTIC", softmax: "SOFTMAX" } as const;

/** The shape of a row; a reason where there is none. */
function rowShapeOf(manifest: Manifest): readonly number[] | string {
  if (!isTable(manifest)) return "the model's inputs are no rows of numbers";
  const { preprocess, inputs, files } = manifest;
  const size = files.find(({ path }) => path === manifest.file)?.sizeBytes ?? 0;
  if (size > MAX_GRAPH_BYTES)
    return `the model has ${size} bytes, and graphs are read of up to ${MAX_GRAPH_BYTES} bytes`;
  const spec =
    preprocess?.type === "tabular" || preprocess?.type === "array"
      ? inputSpecs(manifest)(preprocess.input)
      : inputs.find(({ optional }) => optional !== true);
  const shape = spec?.shape.slice(1) ?? [];
  if (preprocess?.type === "tabular") return [preprocess.columns.length];
  if (shape.every((dimension) => typeof dimension === "number" && dimension > 0))
    return shape as readonly number[];
  return `the model's input ${JSON.stringify(spec?.name)} has no fixed number of columns`;
}

/** @throws UnexplainableError for a version whose outputs are not explained as numbers of rows */
function outputOf(manifest: Manifest): string {
  try {
    return createTableOutputs(manifest, undefined).name;
  } catch (error) {
    if (error instanceof ApiError) throw new UnexplainableError(error.message);
    throw error;
  }
}

/** Estimated, in bytes. */
function sizeOf({ columns, head }: ExplainableGraph): number {
  const ofColumns = GRAPH_BYTES + columns.features * FEATURE_BYTES;
  if (head.kind === "linear") return ofColumns + head.weights.byteLength;
  const { feature, weight } = head.forest;
  return ofColumns + feature.length * NODE_BYTES + weight.length * 12;
}

import { OnnxError } from "../onnx-scanner.ts";
import type { OnnxGraph } from "./onnx-graph.ts";
import { readOnnxGraph } from "./read-onnx-graph.ts";
import { isOrtFile, readOrtGraph } from "./read-ort-graph.ts";

/** A forest of some 700,000 nodes, of two million in the form of TreeEnsemble, or eight million weights. */
export const MAX_GRAPH_BYTES = 33_554_432;

/**
 * Reads the graph of a model, of the ONNX or the ORT format. Weights are views of the file.
 * @returns in steps: yields every few milliseconds of work
 * @throws OnnxError that says what is wrong with the file
 */
export function* readGraph(file: Uint8Array): Generator<undefined, OnnxGraph> {
  if (file.byteLength > MAX_GRAPH_BYTES)
    throw new OnnxError(
      `it has ${file.byteLength} bytes, and graphs are read of up to ${MAX_GRAPH_BYTES} bytes`,
    );
  return isOrtFile(file) ? yield* readOrtGraph(file) : yield* readOnnxGraph(file);
}

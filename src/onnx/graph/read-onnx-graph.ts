import { readFields } from "../node-reader.ts";
import { GRAPH, MODEL, NODE, OPSET, TENSOR_TYPE, TYPE, VALUE_INFO } from "../onnx-rules.ts";
import { OnnxError } from "../onnx-scanner.ts";
import type { Attribute, GraphInput, GraphNode, GraphTensor, OnnxGraph } from "./onnx-graph.ts";
import { readAttribute, readTensor } from "./read-attribute.ts";
import { toText } from "./read-lists.ts";

/** Nodes and weights that are read between two pauses. */
const PER_STEP = 64;

/**
 * Reads a ModelProto. Weights are views of the file.
 * @returns in steps: yields every few milliseconds of work
 * @throws OnnxError
 */
export function* readOnnxGraph(file: Uint8Array): Generator<undefined, OnnxGraph> {
  const opsets = new Map<string, number>();
  let graph: Uint8Array | undefined;
  for (const { field, bytes } of readFields(file)) {
    if (field === MODEL.graph) graph = bytes;
    else if (field === MODEL.opsetImport) {
      const [domain, version] = readOpset(bytes);
      opsets.set(domain, version);
    }
  }
  if (!graph) throw new OnnxError("the file is not a valid ONNX model: it has no graph");
  const nodes: GraphNode[] = [];
  const inputs: GraphInput[] = [];
  const outputs: string[] = [];
  const initializers = new Map<string, GraphTensor>();
  let count = 0;
  for (const { field, bytes } of readFields(graph)) {
    if (field === GRAPH.node) nodes.push(yield* readNode(bytes));
    else if (field === GRAPH.input) inputs.push(readValue(bytes));
    else if (field === GRAPH.output) outputs.push(readValue(bytes).name);
    else if (field === GRAPH.initializer) {
      const { name, ...tensor } = yield* readTensor(bytes);
      initializers.set(name, tensor);
    }
    if (++count % PER_STEP === 0) yield;
  }
  return {
    inputs: inputs.filter(({ name }) => !initializers.has(name)),
    outputs,
    nodes,
    initializers,
    opsets,
  };
}

function* readNode(message: Uint8Array): Generator<undefined, GraphNode> {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  let [name, operator, domain] = ["", "", ""];
  for (const { field, bytes } of readFields(message)) {
    if (field === NODE.input) inputs.push(toText(bytes));
    else if (field === NODE.output) outputs.push(toText(bytes));
    else if (field === NODE.name) name = toText(bytes);
    else if (field === NODE.opType) operator = toText(bytes);
    else if (field === NODE.domain) domain = toDomain(toText(bytes));
    else if (field === NODE.attribute) {
      const [key, value] = yield* readAttribute(bytes);
      attributes.set(key, value);
    }
  }
  return { name, operator, domain, attributes, inputs, outputs };
}

function readOpset(message: Uint8Array): [string, number] {
  let [domain, version] = ["", 0];
  for (const { field, number, bytes } of readFields(message)) {
    if (field === OPSET.domain) domain = toDomain(toText(bytes));
    else if (field === OPSET.version) version = number;
  }
  return [domain, version];
}

function readValue(message: Uint8Array): GraphInput {
  let name = "";
  let elementType = 0;
  for (const { field, bytes } of readFields(message)) {
    if (field === VALUE_INFO.name) name = toText(bytes);
    else if (field === VALUE_INFO.type) elementType = readElementType(bytes);
  }
  return { name, elementType };
}

function readElementType(type: Uint8Array): number {
  for (const { field, bytes } of readFields(type)) {
    if (field !== TYPE.tensor) continue;
    for (const part of readFields(bytes))
      if (part.field === TENSOR_TYPE.elementType) return part.number;
  }
  return 0;
}

/** "ai.onnx" is another name of ONNX's own domain. */
export function toDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

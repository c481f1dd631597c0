import { quote } from "../shared/quote.ts";
import type { Message } from "./message.ts";
import {
  ATTRIBUTE,
  GRAPH,
  MODEL,
  modelRule,
  NODE,
  OPSET,
  TENSOR,
  VALUE_INFO,
} from "./onnx-rules.ts";
import { OnnxError, OnnxScanner } from "./onnx-scanner.ts";

/** An input, an output or another value of a graph. */
export interface OnnxValue {
  readonly name: string;
  /** A `TypeProto`, if there is one. */
  readonly type: Message | undefined;
  readonly message: Message;
}

export interface OnnxNode {
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly message: Message;
}

/** What publishing needs to know of an ONNX file; weights are not part of it. */
export interface OnnxOutline {
  /** The whole file. */
  readonly file: Message;
  readonly graph: Message;
  readonly irVersion: number;
  /** Domains of operators that the file imports; ONNX's own is "". */
  readonly domains: ReadonlySet<string>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Inner values that are not tensors. */
  readonly values: readonly OnnxValue[];
  /** By name. */
  readonly initializers: ReadonlyMap<string, Message>;
  /** Those that may have labels or weights in other files, or that read keys and values of earlier tokens. */
  readonly nodes: readonly OnnxNode[];
}

export function createOnnxScanner(sizeBytes: number): OnnxScanner {
  return new OnnxScanner(modelRule, sizeBytes);
}

/**
 * @param file what the scanner returned
 * @throws OnnxError for a file without exactly one graph
 */
export function toOnnxOutline(file: Message): OnnxOutline {
  const [graph, ...others] = file.messages(MODEL.graph);
  if (!graph) throw new OnnxError("the file is not a valid ONNX model: it has no graph");
  if (others.length > 0)
    throw new OnnxError(
      `the file is not a valid ONNX model: it has ${others.length + 1} graphs instead of one`,
    );
  const outputs = graph.messages(GRAPH.output).map(toValue);
  checkOutputs(outputs);
  const domains = file
    .messages(MODEL.opsetImport)
    .map((opset) => toDomain(opset.text(OPSET.domain)));
  return {
    file,
    graph,
    irVersion: Number(file.number(MODEL.irVersion) ?? 0n),
    domains: new Set(domains),
    inputs: graph.messages(GRAPH.input).map(toValue),
    outputs,
    values: graph.messages(GRAPH.valueInfo).map(toValue),
    initializers: new Map(
      graph
        .messages(GRAPH.initializer)
        .map((tensor) => [tensor.text(TENSOR.name) ?? "", tensor] as const),
    ),
    nodes: graph.messages(GRAPH.node).map(toNode),
  };
}

/** More would be described in every answer about the model; its labels are searched from each. */
const MAX_OUTPUTS = 1000;

/** @throws OnnxError */
function checkOutputs(outputs: readonly OnnxValue[]): void {
  if (outputs.length > MAX_OUTPUTS)
    throw new OnnxError(
      `it has ${outputs.length} outputs, and a model may have ${MAX_OUTPUTS}: remove those that nobody reads`,
    );
  const names = new Set<string>();
  for (const { name } of outputs) {
    if (names.has(name)) throw new OnnxError(`it has two outputs with the name ${quote(name)}`);
    names.add(name);
  }
}

/** An attribute of a node by its name. */
export function findAttribute({ message }: OnnxNode, name: string): Message | undefined {
  return message
    .messages(NODE.attribute)
    .find((attribute) => attribute.text(ATTRIBUTE.name) === name);
}

/** @throws OnnxError for a name that the engine would read as another one */
function toValue(message: Message): OnnxValue {
  const [name] = message.texts(VALUE_INFO.name).slice(-1);
  if (name === undefined && message.fields.some(({ field }) => field === VALUE_INFO.name))
    throw new OnnxError("the name of one of its inputs, outputs or values is not UTF-8");
  // Names are C strings in the engine, which end there.
  if (name?.includes("\0"))
    throw new OnnxError(
      `the name ${quote(name)} of one of its inputs, outputs or values has a NUL: rename it`,
    );
  return {
    name: name ?? "",
    type: message.message(VALUE_INFO.type),
    message,
  };
}

function toNode(message: Message): OnnxNode {
  return {
    operator: message.text(NODE.opType) ?? "",
    domain: toDomain(message.text(NODE.domain)),
    inputs: message.texts(NODE.input),
    outputs: message.texts(NODE.output),
    message,
  };
}

/** "ai.onnx" is another name of ONNX's own domain. */
function toDomain(domain = ""): string {
  return domain === "ai.onnx" ? "" : domain;
}

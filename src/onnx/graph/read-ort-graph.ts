import { OnnxError } from "../onnx-scanner.ts";
import { FlatTable } from "./flat-buffer.ts";
import type { Attribute, GraphInput, GraphNode, GraphTensor, OnnxGraph } from "./onnx-graph.ts";
import { IntegerBuilder, TextBuilder, toText } from "./read-lists.ts";
import { toDomain } from "./read-onnx-graph.ts";

/**
 * The ORT format: flat buffers of
 * https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/flatbuffers/schema/ort.fbs,
 * whose fields are numbered in their order; a union takes two.
 */
const SESSION = { model: 1 };
const MODEL = { opsetImport: 1, graph: 7 };
const OPSET = { domain: 0, version: 1 };
const GRAPH = { initializers: 0, nodeArgs: 1, nodes: 2, inputs: 5, outputs: 6 };
const NODE = { name: 0, domain: 2, operator: 5, inputs: 8, outputs: 9, attributes: 10 };
const VALUE_INFO = { name: 0, type: 2 };
const TYPE_INFO = { kind: 1, value: 2 };
const TENSOR_TYPE = { elementType: 0 };
const ATTRIBUTE = { name: 0, type: 2, f: 3, i: 4, s: 5, t: 6, floats: 8, ints: 9, strings: 10 };
const TENSOR = { name: 0, dims: 2, dataType: 3, rawData: 4, stringData: 5, externalData: 6 };

/** `AttributeType`, which is numbered as ONNX does. */
const TYPE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 };
/** The first of `TypeInfoValue`. */
const TENSOR_KIND = 1;

/** What follows the first offset. */
const IDENTIFIER = "ORTM";
/** Nodes and weights that are read between two pauses. */
const PER_STEP = 64;
/** Elements of lists that are read between two pauses. */
const ELEMENTS_PER_STEP = 65_536;

export function isOrtFile(file: Uint8Array): boolean {
  return [...IDENTIFIER].every((letter, index) => file[4 + index] === letter.charCodeAt(0));
}

/**
 * Reads a model of the ORT format. Weights are views of the file.
 * @returns in steps: yields every few milliseconds of work
 * @throws OnnxError
 */
export function* readOrtGraph(file: Uint8Array): Generator<undefined, OnnxGraph> {
  try {
    return yield* readSession(FlatTable.root(file));
  } catch (error) {
    // A place beyond the end of the file.
    if (error instanceof RangeError)
      throw new OnnxError("the file is not a valid ORT model: it is not complete");
    throw error;
  }
}

function* readSession(session: FlatTable): Generator<undefined, OnnxGraph> {
  const model = session.table(SESSION.model);
  const graph = model?.table(MODEL.graph);
  if (!model || !graph) throw new OnnxError("the file is not a valid ORT model: it has no graph");
  const initializers = new Map<string, GraphTensor>();
  let count = 0;
  for (const table of graph.tables(GRAPH.initializers)) {
    initializers.set(table.text(TENSOR.name), yield* readTensor(table));
    if (++count % PER_STEP === 0) yield;
  }
  const nodes: GraphNode[] = [];
  for (const table of graph.tables(GRAPH.nodes)) {
    nodes.push(yield* readNode(table));
    if (++count % PER_STEP === 0) yield;
  }
  const types = new Map<string, number>();
  for (const table of graph.tables(GRAPH.nodeArgs))
    types.set(table.text(VALUE_INFO.name), elementTypeOf(table));
  const inputs = textsOf(graph, GRAPH.inputs).map(
    (name): GraphInput => ({ name, elementType: types.get(name) ?? 0 }),
  );
  const opsets = model
    .tables(MODEL.opsetImport)
    .map((opset) => [toDomain(opset.text(OPSET.domain)), opset.int64(OPSET.version)] as const);
  return {
    inputs: inputs.filter(({ name }) => !initializers.has(name)),
    outputs: textsOf(graph, GRAPH.outputs),
    nodes,
    initializers,
    opsets: new Map(opsets),
  };
}

function* readNode(table: FlatTable): Generator<undefined, GraphNode> {
  const attributes = new Map<string, Attribute>();
  for (const attribute of table.tables(NODE.attributes))
    attributes.set(attribute.text(ATTRIBUTE.name), yield* readAttribute(attribute));
  return {
    name: table.text(NODE.name),
    operator: table.text(NODE.operator),
    domain: toDomain(table.text(NODE.domain)),
    attributes,
    inputs: textsOf(table, NODE.inputs),
    outputs: textsOf(table, NODE.outputs),
  };
}

function* readAttribute(table: FlatTable): Generator<undefined, Attribute> {
  switch (table.int32(ATTRIBUTE.type)) {
    case TYPE.float:
      return table.float32(ATTRIBUTE.f);
    case TYPE.int:
      return table.int64(ATTRIBUTE.i);
    case TYPE.string:
      return table.text(ATTRIBUTE.s);
    case TYPE.tensor: {
      const tensor = table.table(ATTRIBUTE.t);
      return tensor && (yield* readTensor(tensor));
    }
    case TYPE.floats:
      return table.float32s(ATTRIBUTE.floats);
    case TYPE.ints:
      return yield* build(new IntegerBuilder(), table.int64s(ATTRIBUTE.ints));
    case TYPE.strings:
      return yield* build(new TextBuilder(), table.texts(ATTRIBUTE.strings));
    default:
      return undefined;
  }
}

function* readTensor(table: FlatTable): Generator<undefined, GraphTensor> {
  if (table.has(TENSOR.externalData))
    throw new OnnxError(`its tensor ${JSON.stringify(table.text(TENSOR.name))} is in another file`);
  return {
    elementType: table.int32(TENSOR.dataType),
    shape: [...table.int64s(TENSOR.dims)],
    raw: table.bytes(TENSOR.rawData),
    texts: yield* build(new TextBuilder(), table.texts(TENSOR.stringData)),
  };
}

function* build<E, L>(
  builder: { push(element: E): void; finish(): L },
  elements: Iterable<E>,
): Generator<undefined, L> {
  let count = 0;
  for (const element of elements) {
    builder.push(element);
    if (++count % ELEMENTS_PER_STEP === 0) yield;
  }
  return builder.finish();
}

function elementTypeOf(value: FlatTable): number {
  const type = value.table(VALUE_INFO.type);
  if (type?.uint8(TYPE_INFO.kind) !== TENSOR_KIND) return 0;
  return type.table(TYPE_INFO.value)?.int32(TENSOR_TYPE.elementType) ?? 0;
}

function textsOf(table: FlatTable, field: number): string[] {
  return Array.from(table.texts(field), toText);
}

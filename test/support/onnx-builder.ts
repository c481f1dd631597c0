import protobuf from "protobufjs";
import { type Datatype, type TypedArray, toOnnxElementType } from "../../src/domain/datatype.ts";
import { type TensorSpec, toBytes } from "../../src/domain/tensor.ts";

/**
 * The part of ONNX's protocol buffers that these models need, by the field names and numbers of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
const SCHEMA = `
  syntax = "proto3";
  message ModelProto {
    int64 ir_version = 1;
    GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
  }
  message OperatorSetIdProto { string domain = 1; int64 version = 2; }
  message GraphProto {
    repeated NodeProto node = 1;
    string name = 2;
    repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    string name = 3;
    string op_type = 4;
    repeated AttributeProto attribute = 5;
    string domain = 7;
  }
  message AttributeProto {
    string name = 1;
    float f = 2;
    int64 i = 3;
    bytes s = 4;
    TensorProto t = 5;
    GraphProto g = 6;
    repeated float floats = 7;
    repeated int64 ints = 8;
    int32 type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1;
    int32 data_type = 2;
    repeated bytes string_data = 6;
    string name = 8;
    bytes raw_data = 9;
  }
  message ValueInfoProto { string name = 1; TypeProto type = 2; }
  message TypeProto {
    message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; }
    Tensor tensor_type = 1;
  }
  message TensorShapeProto {
    message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
    repeated Dimension dim = 1;
  }
`;
const modelType = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType("ModelProto");

const IR_VERSION = 10;
const OPSETS = [
  { domain: "", version: 21 },
  { domain: "ai.onnx.ml", version: 5 },
];
const ATTRIBUTE_TYPES = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7 } as const;

/** Weights that stand in the model, as little-endian bytes. */
export interface Initializer {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** The bytes of each text for `BYTES`. */
  readonly data: TypedArray | readonly Uint8Array[];
}

/** An attribute by its kind: `{ i: 1 }`, `{ floats: [0.5] }`, `{ g: graph }`. */
export type Attribute =
  | { readonly f: number }
  | { readonly i: number }
  | { readonly s: string }
  | { readonly t: Initializer }
  | { readonly g: Graph }
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly number[] };

export interface GraphNode {
  readonly op: string;
  /** Empty, which is ONNX's own, when left out. */
  readonly domain?: "ai.onnx.ml";
  readonly inputs?: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  /** Computes nothing; the same graph by another name is another file, and so another model. */
  readonly name?: string;
  readonly inputs?: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly nodes: readonly GraphNode[];
  readonly weights?: readonly Initializer[];
}

/** An ONNX file, for models that are only there to be awkward. */
export function buildOnnx(graph: Graph): Uint8Array<ArrayBuffer> {
  const message = {
    ir_version: IR_VERSION,
    opset_import: OPSETS,
    graph: toGraphProto(graph),
  };
  return Uint8Array.from(modelType.encode(modelType.fromObject(message)).finish());
}

function toGraphProto({
  name = "graph",
  inputs = [],
  outputs,
  nodes,
  weights = [],
}: Graph): object {
  return {
    name,
    node: nodes.map(({ op, domain = "", inputs = [], outputs, attributes = {} }) => ({
      op_type: op,
      domain,
      input: inputs,
      output: outputs,
      attribute: Object.entries(attributes).map(toAttributeProto),
    })),
    initializer: weights.map(toTensorProto),
    input: inputs.map(toValueInfoProto),
    output: outputs.map(toValueInfoProto),
  };
}

function toAttributeProto([name, attribute]: [string, Attribute]): object {
  const [kind] = Object.keys(attribute) as (keyof typeof ATTRIBUTE_TYPES)[];
  const type = kind && ATTRIBUTE_TYPES[kind];
  if ("t" in attribute) return { name, type, t: toTensorProto(attribute.t) };
  if ("g" in attribute) return { name, type, g: toGraphProto(attribute.g) };
  if ("s" in attribute) return { name, type, s: Buffer.from(attribute.s) };
  return { name, type, ...attribute };
}

function toTensorProto({ name, datatype, shape, data }: Initializer): object {
  return {
    name,
    dims: shape,
    data_type: toOnnxElementType(datatype),
    ...(ArrayBuffer.isView(data) ? { raw_data: toBytes(data) } : { string_data: data }),
  };
}

function toValueInfoProto({ name, datatype, shape }: TensorSpec): object {
  const dim = shape.map((size) =>
    typeof size === "string" ? { dim_param: size } : size < 0 ? {} : { dim_value: size },
  );
  return {
    name,
    type: { tensor_type: { elem_type: toOnnxElementType(datatype), shape: { dim } } },
  };
}

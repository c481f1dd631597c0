import protobuf from "protobufjs";
import {
  fromOnnxElementType,
  NUMERIC_DATATYPES,
  type NumericDatatype,
} from "../src/domain/datatype.ts";
import { elementCount, type Tensor, toBytes } from "../src/domain/tensor.ts";

/**
 * The part of ONNX's protocol buffers that test cases need, by the field names and numbers of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; fields left out are skipped by the parser.
 */
const SCHEMA = `
  syntax = "proto3";
  message ModelProto { GraphProto graph = 7; }
  message GraphProto { repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; }
  message ValueInfoProto { string name = 1; TypeProto type = 2; }
  message TypeProto {
    message Tensor { int32 elem_type = 1; }
    message Other {}
    oneof value {
      Tensor tensor_type = 1;
      Other sequence_type = 4;
      Other map_type = 5;
      Other sparse_tensor_type = 8;
      Other optional_type = 9;
    }
  }
  message TensorProto {
    repeated int64 dims = 1;
    int32 data_type = 2;
    repeated float float_data = 4;
    repeated int32 int32_data = 5;
    repeated bytes string_data = 6;
    repeated int64 int64_data = 7;
    bytes raw_data = 9;
    repeated double double_data = 10;
    repeated uint64 uint64_data = 11;
    int32 data_location = 14;
  }
`;
const schema = protobuf.parse(SCHEMA, { keepCase: true }).root;
const modelType = schema.lookupType("ModelProto");
const tensorType = schema.lookupType("TensorProto");

/** 64-bit integers as strings, which is exact; absent lists as empty ones. */
const EXACT = { longs: String, arrays: true } as const;

/** A valid value that is not a tensor of a supported datatype. */
export class UnsupportedValueError extends Error {
  override readonly name = "UnsupportedValueError";
}

/** An input or output of a model. */
export interface GraphValue {
  readonly name: string;
  /** `tensor`, `sequence`, `map`, `sparse_tensor` or `optional`. */
  readonly kind: string;
  /** ONNX's element type; 0 unless it is a tensor. */
  readonly elementType: number;
}

export interface ModelSignature {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

interface ValueInfoMessage {
  readonly name?: string;
  readonly type?: { readonly tensor_type?: { readonly elem_type?: number } };
}

interface TensorMessage {
  readonly dims: readonly string[];
  readonly data_type?: number;
  readonly float_data: readonly number[];
  readonly int32_data: readonly number[];
  readonly string_data: readonly Uint8Array[];
  readonly int64_data: readonly string[];
  readonly raw_data?: Uint8Array;
  readonly double_data: readonly number[];
  readonly uint64_data: readonly string[];
  readonly data_location?: number;
}

/** Reads the inputs and outputs of a `ModelProto` in their order. */
export function parseModelSignature(bytes: Uint8Array): ModelSignature {
  const { graph } = modelType.toObject(modelType.decode(bytes), EXACT) as {
    graph?: { input: readonly ValueInfoMessage[]; output: readonly ValueInfoMessage[] };
  };
  if (!graph) throw new Error("the model has no graph");
  return { inputs: graph.input.map(toGraphValue), outputs: graph.output.map(toGraphValue) };
}

function toGraphValue({ name = "", type = {} }: ValueInfoMessage): GraphValue {
  const [field = "unknown"] = Object.keys(type);
  const kind = field.replace(/_type$/, "");
  return { name, kind, elementType: type.tensor_type?.elem_type ?? 0 };
}

/**
 * Reads a `TensorProto`.
 * @param name of the graph's value; some test cases omit it in the file
 * @throws UnsupportedValueError for a datatype that the Open Inference Protocol does not define
 */
export function parseTensor(name: string, bytes: Uint8Array): Tensor {
  const message = tensorType.toObject(tensorType.decode(bytes), EXACT) as TensorMessage;
  const { data_type = 0, data_location = 0, raw_data } = message;
  const datatype = fromOnnxElementType(data_type);
  if (!datatype) throw new UnsupportedValueError(`ONNX element type ${data_type}`);
  if (data_location !== 0) throw new UnsupportedValueError("external data");
  const shape = message.dims.map(Number);
  const elements = elementCount(shape);
  if (datatype === "BYTES") {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const data = message.string_data.map((text) => decoder.decode(text));
    return { name, datatype, shape, data: ofLength(elements, data, name) };
  }
  const { elementBytes } = NUMERIC_DATATYPES[datatype];
  const data = raw_data?.length ? Uint8Array.from(raw_data) : toBytes(typedData(datatype, message));
  return { name, datatype, shape, data: ofLength(elements * elementBytes, data, name) };
}

/** The values of the field that stores the datatype when `raw_data` is not used. */
function typedData(datatype: NumericDatatype, message: TensorMessage) {
  switch (datatype) {
    case "FP32":
      return Float32Array.from(message.float_data);
    case "FP64":
      return Float64Array.from(message.double_data);
    case "INT64":
      return BigInt64Array.from(message.int64_data, BigInt);
    case "UINT64":
      return BigUint64Array.from(message.uint64_data, BigInt);
    case "UINT32":
      return Uint32Array.from(message.uint64_data, Number);
    case "INT32":
      return Int32Array.from(message.int32_data);
    case "INT16":
      return Int16Array.from(message.int32_data);
    case "INT8":
      return Int8Array.from(message.int32_data);
    case "UINT16":
      return Uint16Array.from(message.int32_data);
    case "FP16":
      // The bits of each number, as an integer.
      return Uint16Array.from(message.int32_data);
    case "UINT8":
    case "BOOL":
      return Uint8Array.from(message.int32_data);
  }
}

function ofLength<T extends { readonly length: number }>(length: number, data: T, name: string): T {
  if (data.length === length) return data;
  throw new Error(
    `"${name}" must have ${length} bytes or strings for its shape; got ${data.length}`,
  );
}

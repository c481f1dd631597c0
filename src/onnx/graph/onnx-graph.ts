/** A model's graph with its attributes and weights, whichever format it was read of. */
export interface OnnxGraph {
  /** Inputs that have no default. */
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly string[];
  readonly nodes: readonly GraphNode[];
  /** Weights by name. */
  readonly initializers: ReadonlyMap<string, GraphTensor>;
  /** Versions of operators by domain; ONNX's own is "". */
  readonly opsets: ReadonlyMap<string, number>;
}

export interface GraphInput {
  readonly name: string;
  /** Of its elements: a number of `TensorProto.DataType`; 0 for what is no tensor. */
  readonly elementType: number;
}

export interface GraphNode {
  readonly name: string;
  readonly operator: string;
  /** ONNX's own is "". */
  readonly domain: string;
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** "" for an optional one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Lists are of `ints` and `floats`; a graph or a sparse tensor is `undefined`. */
export type Attribute = number | string | NumberList | TextList | GraphTensor | undefined;
export type NumberList = Int32Array | Float32Array | Float64Array;

/** Texts of which most are the same, as the modes of a forest's nodes: each text once, and an index of it for each. */
export class TextList {
  readonly distinct: readonly string[];
  readonly indices: Int32Array;

  constructor(distinct: readonly string[], indices: Int32Array) {
    this.distinct = distinct;
    this.indices = indices;
  }

  get length(): number {
    return this.indices.length;
  }

  at(index: number): string {
    return this.distinct[this.indices[index] ?? -1] ?? "";
  }

  toArray(): string[] {
    return Array.from(this.indices, (index) => this.distinct[index] ?? "");
  }
}

/** A tensor whose elements are still as the file has them: {@link file://./tensor-elements.ts} decodes them. */
export interface GraphTensor {
  /** A number of `TensorProto.DataType`. */
  readonly elementType: number;
  readonly shape: readonly number[];
  /** Elements in little-endian order. Views of the file. */
  readonly raw?: Uint8Array | undefined;
  /** Of a file that has them as numbers of protocol buffers. */
  readonly numbers?: NumberList | undefined;
  readonly texts?: TextList | undefined;
}

export function isTensor(attribute: Attribute): attribute is GraphTensor {
  return typeof attribute === "object" && "elementType" in attribute;
}

export function isNumberList(attribute: Attribute): attribute is NumberList {
  return ArrayBuffer.isView(attribute);
}

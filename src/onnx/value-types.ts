import { fromOnnxElementType } from "../domain/datatype.ts";
import type { Dimension, TensorSpec } from "../domain/tensor.ts";
import { clip } from "../shared/quote.ts";
import type { Message } from "./message.ts";
import type { OnnxOutline, OnnxValue } from "./onnx-outline.ts";
import { DIMENSION, MAP_TYPE, SHAPE, TENSOR_TYPE, TYPE } from "./onnx-rules.ts";
import { OnnxError } from "./onnx-scanner.ts";

/** Element types of ONNX that the protocol has no datatype for, by their numbers in `TensorProto.DataType`. */
const OTHER_ELEMENT_TYPES: Readonly<Record<number, string>> = {
  14: "COMPLEX64",
  15: "COMPLEX128",
  16: "BF16",
  17: "FLOAT8E4M3FN",
  18: "FLOAT8E4M3FNUZ",
  19: "FLOAT8E5M2",
  20: "FLOAT8E5M2FNUZ",
  21: "UINT4",
  22: "INT4",
  23: "FLOAT4E2M1",
  24: "FLOAT8E8M0",
  25: "UINT2",
  26: "INT2",
};

const INTEGERS: ReadonlySet<number> = new Set([21, 22, 25, 26]);

/**
 * Refuses inputs and outputs that are not tensors of the protocol's datatypes.
 * @throws OnnxError that names the first, what it is, and what to do
 */
export function checkServable(
  { inputs, outputs }: OnnxOutline,
  isReplaced: (name: string) => boolean,
): void {
  for (const input of inputs) checkValue("input", input);
  for (const output of outputs) if (!isReplaced(output.name)) checkValue("output", output);
}

function checkValue(side: "input" | "output", { name, type }: OnnxValue): void {
  // The engine infers the type of an output that has none.
  if (!type || type.fields.length === 0) return;
  const remedy = remedyFor(side, type);
  if (remedy === undefined) return;
  throw new OnnxError(
    `its ${side} ${clip(JSON.stringify(name))} is ${withArticle(describeType(type))}, and requests and responses have only tensors of the protocol's datatypes. ${remedy}`,
  );
}

/** What to do about a type; `undefined` for one that can be served. */
function remedyFor(side: "input" | "output", type: Message): string | undefined {
  const tensor = type.message(TYPE.tensor);
  if (tensor) {
    const elementType = elementTypeOf(tensor);
    if (elementType === 0 || fromOnnxElementType(elementType)) return undefined;
    if (elementType === 14 || elementType === 15)
      return "Split it into a real and an imaginary part in the model, as FP32 tensors";
    const datatype = INTEGERS.has(elementType) ? "INT8" : "FP32";
    return side === "input"
      ? `Declare the input as ${datatype} and add a Cast behind it, or export the model in ${datatype}`
      : `Add a Cast to ${datatype} before the output, or export the model in ${datatype}`;
  }
  if (type.message(TYPE.optional))
    return side === "input"
      ? "Declare the input as a plain tensor, or remove it and what depends on it from the graph"
      : "Return the tensor itself (OptionalGetElement), or remove the output from the graph";
  if (type.message(TYPE.sequence))
    return side === "input"
      ? "Declare a tensor, or one input for each element of the sequence"
      : "Return tensors: one output for each element, or all in one (ConcatFromSequence)";
  if (type.message(TYPE.map))
    return side === "input"
      ? "Declare a tensor with one column for each key, or one input for each key"
      : "Return its values as a tensor";
  if (type.message(TYPE.sparse)) return "Use a dense tensor";
  return "Use a tensor";
}

/** `FP32`, `optional(FP32)`, `sequence(map(BYTES, FP32))`. */
export function describeType(type: Message): string {
  const tensor = type.message(TYPE.tensor);
  if (tensor) return describeElementType(elementTypeOf(tensor));
  const sparse = type.message(TYPE.sparse);
  if (sparse) return `sparse(${describeElementType(elementTypeOf(sparse))})`;
  const map = type.message(TYPE.map);
  if (map) {
    const value = map.message(MAP_TYPE.value);
    return `map(${describeElementType(Number(map.number(MAP_TYPE.key) ?? 0n))}, ${value ? describeType(value) : "unknown"})`;
  }
  for (const kind of ["sequence", "optional"] as const) {
    const outer = type.message(TYPE[kind]);
    const element = outer?.message(1);
    if (outer) return `${kind}(${element ? describeType(element) : "unknown"})`;
  }
  return "opaque";
}

function withArticle(type: string): string {
  if (/^(?:optional|opaque)/.test(type)) return `an ${type.replace("(", " value (")}`;
  if (/^(?:sequence|map|sparse)/.test(type)) return `a ${type}`;
  return `a tensor of ${type}`;
}

/** What a tensor value declares; `undefined` for anything else. */
export function toTensorSpec({ name, type }: OnnxValue): TensorSpec | undefined {
  const tensor = type?.message(TYPE.tensor);
  const datatype = tensor && fromOnnxElementType(elementTypeOf(tensor));
  if (!datatype) return undefined;
  const shape = (tensor.message(TENSOR_TYPE.shape)?.messages(SHAPE.dimension) ?? []).map(
    (dimension): Dimension => {
      const size = dimension.number(DIMENSION.size);
      return size === undefined ? dimension.text(DIMENSION.symbol) || -1 : Number(size);
    },
  );
  return { name, datatype, shape };
}

function elementTypeOf(tensor: Message): number {
  return Number(tensor.number(TENSOR_TYPE.elementType) ?? 0n);
}

function describeElementType(elementType: number): string {
  return (
    fromOnnxElementType(elementType) ??
    OTHER_ELEMENT_TYPES[elementType] ??
    `ONNX element type ${elementType}`
  );
}

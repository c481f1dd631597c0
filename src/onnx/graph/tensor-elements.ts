import { fromOnnxElementType, NUMERIC_DATATYPES } from "../../domain/datatype.ts";
import { elementCount } from "../../domain/tensor.ts";
import { OnnxError } from "../onnx-scanner.ts";
import type { GraphTensor, NumberList } from "./onnx-graph.ts";

/** `TensorProto.DataType`. */
export const ELEMENT = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
} as const;

/**
 * The numbers of a tensor; 64-bit integers are exact up to 2^53.
 * @throws OnnxError for a tensor of other elements, or of another size than its shape says
 */
export function toNumbers(tensor: GraphTensor): NumberList {
  const { elementType, shape, raw, numbers } = tensor;
  const datatype = fromOnnxElementType(elementType);
  const count = elementCount(shape);
  if (datatype === undefined || datatype === "BYTES")
    throw new OnnxError(`it has a tensor whose elements are of type ${elementType}, not numbers`);
  if (numbers) {
    checkCount(numbers.length, count);
    return elementType === ELEMENT.float16 ? toHalves(numbers) : numbers;
  }
  const { array, elementBytes } = NUMERIC_DATATYPES[datatype];
  const bytes = raw ?? new Uint8Array();
  checkCount(bytes.byteLength / elementBytes, count);
  // A view of the file need not be aligned.
  const isAligned = bytes.byteOffset % elementBytes === 0;
  const { buffer, byteOffset } = isAligned ? bytes : new Uint8Array(bytes);
  const elements = new array(buffer, byteOffset, count);
  if (elements instanceof Float32Array || elements instanceof Float64Array) return elements;
  if (elements instanceof Int32Array) return elements;
  return elements instanceof BigInt64Array || elements instanceof BigUint64Array
    ? Float64Array.from(elements, Number)
    : Float64Array.from(elements);
}

/** The texts of a tensor. @throws OnnxError for a tensor of other elements */
export function toTexts({ elementType, shape, texts }: GraphTensor): readonly string[] {
  if (elementType !== ELEMENT.string)
    throw new OnnxError(`it has a tensor whose elements are of type ${elementType}, not texts`);
  checkCount(texts?.length ?? 0, elementCount(shape));
  return texts?.toArray() ?? [];
}

/** FP16 in a list of integers: their bits. */
function toHalves(bits: NumberList): Float32Array {
  const halves = new Float16Array(Uint16Array.from(bits).buffer);
  return Float32Array.from(halves);
}

function checkCount(actual: number, expected: number): void {
  if (actual !== expected)
    throw new OnnxError(
      `it has a tensor of ${actual} elements, where its shape has room for ${expected}`,
    );
}

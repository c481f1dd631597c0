import { describe, expect, test } from "vitest";
import {
  DATATYPES,
  fromOnnxElementType,
  isDatatype,
  NUMERIC_DATATYPES,
  type NumericDatatype,
  toOnnxElementType,
} from "../../../src/domain/datatype.ts";

/** `TensorProto.DataType` of onnx.proto, and the sizes of the protocol's "Tensor Data Types". */
const ONNX: Record<NumericDatatype, { number: number; bytes: number }> = {
  FP32: { number: 1, bytes: 4 },
  UINT8: { number: 2, bytes: 1 },
  INT8: { number: 3, bytes: 1 },
  UINT16: { number: 4, bytes: 2 },
  INT16: { number: 5, bytes: 2 },
  INT32: { number: 6, bytes: 4 },
  INT64: { number: 7, bytes: 8 },
  BOOL: { number: 9, bytes: 1 },
  FP16: { number: 10, bytes: 2 },
  FP64: { number: 11, bytes: 8 },
  UINT32: { number: 12, bytes: 4 },
  UINT64: { number: 13, bytes: 8 },
};

describe.each(Object.entries(ONNX))("the datatype %s", (name, { number, bytes }) => {
  const datatype = name as NumericDatatype;
  const { array: TypedArray, elementBytes } = NUMERIC_DATATYPES[datatype];

  test("is converted to its element type in ONNX and back", () => {
    expect(toOnnxElementType(datatype)).toBe(number);
    expect(fromOnnxElementType(number)).toBe(datatype);
  });

  test("has the element size of its typed array", () => {
    expect(elementBytes).toBe(bytes);
    expect(new TypedArray(3).byteLength).toBe(3 * bytes);
  });
});

const INTEGERS = Object.entries(ONNX).filter(([name]) => name.includes("INT"));

test.each(INTEGERS)("the integer datatype %s has the range of its bits", (name, { bytes }) => {
  const { min, max } = NUMERIC_DATATYPES[name as NumericDatatype];
  const bits = BigInt(bytes * 8);
  const signed = name.startsWith("INT");
  expect(BigInt(min)).toBe(signed ? -(2n ** (bits - 1n)) : 0n);
  expect(BigInt(max)).toBe(signed ? 2n ** (bits - 1n) - 1n : 2n ** bits - 1n);
});

test("the element type of strings is BYTES", () => {
  expect(toOnnxElementType("BYTES")).toBe(8);
  expect(fromOnnxElementType(8)).toBe("BYTES");
});

test("every datatype is recognized by its name in upper case only", () => {
  expect(DATATYPES).toHaveLength(Object.keys(ONNX).length + 1);
  expect(DATATYPES.every(isDatatype)).toBe(true);
  expect(["fp32", "FLOAT", "BF16", "", undefined, 1].some(isDatatype)).toBe(false);
});

// UNDEFINED, COMPLEX64, COMPLEX128, BFLOAT16, FLOAT8E4M3FN, UINT4, INT4.
test.each([0, 14, 15, 16, 17, 21, 22])("ONNX's element type %i has no datatype", (elementType) => {
  expect(fromOnnxElementType(elementType)).toBeUndefined();
});

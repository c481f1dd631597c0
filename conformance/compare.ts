import {
  formatShape,
  type NumericTensor,
  type Tensor,
  toTypedArray,
} from "../src/domain/tensor.ts";

/** The tolerances of ONNX's own runner: onnx/backend/test/runner and onnx/backend/test/case/test_case.py. */
export const TOLERANCE = { relative: 1e-3, absolute: 1e-7 } as const;

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** Every number must be equal; 0 and -0 differ, all NaNs are equal. */
export const IDENTICAL = "identical";

/**
 * Compares the outputs of an engine with the expected ones by the rule of numpy's `assert_allclose`: a number
 * may differ by `absolute + relative * |expected|`, NaN equals NaN and an infinity only itself. Strings
 * and booleans must be equal. Stricter than numpy in one point: a scalar does not have the shape [1].
 * @returns a description of the first difference, or `undefined` when there is none
 */
export function findDifference(
  expected: readonly Tensor[],
  actual: readonly Tensor[],
  tolerance: Tolerance | typeof IDENTICAL = TOLERANCE,
): string | undefined {
  if (actual.length !== expected.length)
    return `${actual.length} outputs instead of ${expected.length}`;
  for (const [index, wanted] of expected.entries()) {
    const difference = compare(wanted, actual[index] as Tensor, tolerance);
    if (difference) return `output "${wanted.name}" ${difference}`;
  }
  return undefined;
}

function compare(
  expected: Tensor,
  actual: Tensor,
  tolerance: Tolerance | typeof IDENTICAL,
): string | undefined {
  if (actual.name !== expected.name) return `is missing, "${actual.name}" is in its place`;
  if (actual.datatype !== expected.datatype)
    return `is ${actual.datatype} instead of ${expected.datatype}`;
  if (formatShape(actual.shape) !== formatShape(expected.shape))
    return `has shape ${formatShape(actual.shape)} instead of ${formatShape(expected.shape)}`;
  const wanted = elementsOf(expected);
  const given = elementsOf(actual);
  if (given.length !== wanted.length)
    return `has ${given.length} elements instead of ${wanted.length}`;
  const isClose =
    tolerance === IDENTICAL || expected.datatype === "BOOL" || expected.datatype === "BYTES"
      ? Object.is
      : (a: Scalar, b: Scalar) => isWithin(tolerance, Number(a), Number(b));
  for (let index = 0; index < wanted.length; index++) {
    const [a, b] = [wanted[index] as Scalar, given[index] as Scalar];
    if (!isClose(a, b)) return `is ${show(b)} instead of ${show(a)} at element ${index}`;
  }
  return undefined;
}

type Scalar = number | bigint | string;

function elementsOf(tensor: Tensor): ArrayLike<Scalar> {
  return tensor.datatype === "BYTES" ? tensor.data : toTypedArray(tensor as NumericTensor);
}

function isWithin({ relative, absolute }: Tolerance, expected: number, actual: number): boolean {
  // NaN equals NaN, and an infinity itself.
  if (Object.is(expected, actual)) return true;
  // Otherwise any number would be within the infinite tolerance of an infinity.
  if (!Number.isFinite(expected)) return false;
  return Math.abs(actual - expected) <= absolute + relative * Math.abs(expected);
}

function show(value: Scalar): string {
  if (typeof value === "string") return JSON.stringify(value);
  return Object.is(value, -0) ? "-0" : String(value);
}

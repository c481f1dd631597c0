import { type Datatype, NUMERIC_DATATYPES, type NumericDatatype } from "../datatype.ts";
import { type Dimension, formatShape, type TensorSpec } from "../tensor.ts";
import type { ManifestContext, Problem } from "./block-definition.ts";

/** Checks of blocks against what a manifest declares of the model. */

/** What a block needs of one tensor. */
export interface TensorRequirement {
  readonly datatypes: readonly Datatype[];
  /** The shapes that fit; a text stands for a dimension of any size. */
  readonly shapes: readonly (readonly Dimension[])[];
}

/** Every datatype whose elements are numbers. */
export const NUMERIC = Object.keys(NUMERIC_DATATYPES) as Datatype[];

export function findSpec(specs: readonly TensorSpec[], name: string): TensorSpec | undefined {
  return specs.find((spec) => spec.name === name);
}

/** The size of a dimension that is not dynamic. */
export function fixedSize(dimension: Dimension | undefined): number | undefined {
  return typeof dimension === "number" && dimension !== -1 ? dimension : undefined;
}

/** Whether a number is one of the datatype; floats are rounded to it, but not to infinity. */
export function canHold(datatype: NumericDatatype, value: number): boolean {
  const { kind, min, max } = NUMERIC_DATATYPES[datatype];
  // The largest double that is not above 2^63 - 1 is 2^63 - 1024: `max` is rounded up.
  if (kind === "bigint") return Number.isInteger(value) && value >= min && value < Number(max);
  if (kind !== "float") return Number.isInteger(value) && value >= min && value <= max;
  // Only the largest double itself is its own bound; the bounds of shorter floats round to infinity.
  return datatype === "FP64" ? Number.isFinite(value) : value > min && value < max;
}

/** The numbers of a datatype, for a message: `an integer from 0 to 255`. */
export function describeValues(datatype: NumericDatatype): string {
  const { kind, min, max } = NUMERIC_DATATYPES[datatype];
  return `${kind === "float" ? "a number" : "an integer"} from ${min} to ${max}`;
}

/**
 * Checks the datatype and the shape of a tensor.
 * @param path of the field that names the tensor
 */
export function* tensorProblems(
  path: Problem["path"],
  spec: TensorSpec,
  { datatypes, shapes }: TensorRequirement,
): Generator<Problem> {
  const { datatype, shape } = spec;
  const name = JSON.stringify(spec.name);
  if (!datatypes.includes(datatype)) {
    const expected = datatypes === NUMERIC ? "numeric" : datatypes.join(" or ");
    yield { path, message: `${name} must be ${expected}; it is ${datatype}` };
  }
  if (shapes.some((expected) => fits(shape, expected))) return;
  const expected = shapes.map(formatShape).join(" or ");
  yield { path, message: `${name} must have the shape ${expected}; it has ${formatShape(shape)}` };
}

/** ONNX Runtime reports rank 0 for a tensor whose rank the model leaves open. */
function fits(shape: readonly Dimension[], expected: readonly Dimension[]): boolean {
  if (shape.length === 0) return true;
  if (shape.length !== expected.length) return false;
  return expected.every((size, axis) => {
    const declared = fixedSize(shape[axis]);
    return typeof size === "string" || declared === undefined || declared === size;
  });
}

/**
 * Checks that there is a label for each value that an output has of an item.
 * @param values how many it has; `undefined` when that is dynamic
 * @param output its name
 */
export function* labelProblems(
  { labels = [] }: Pick<ManifestContext, "labels">,
  values: number | undefined,
  output: string,
): Generator<Problem> {
  if (values === undefined || values === labels.length) return;
  const expected = `must have length ${values}, one label for each value of ${JSON.stringify(output)}`;
  yield { path: ["labels"], message: `${expected}; it has ${labels.length}` };
}

/** Checks that there are labels for a block whose predictions contain them. */
export function* missingLabels(
  type: string,
  { labels = [] }: Pick<ManifestContext, "labels">,
): Generator<Problem> {
  if (labels.length === 0) yield { path: ["labels"], message: `${type} needs labels` };
}

/** Checks that the preprocess block, where there is one, is of the type that a postprocess block needs. */
export function* pairProblems(
  type: string,
  { preprocess }: Pick<ManifestContext, "preprocess">,
  needed: string,
): Generator<Problem> {
  if (preprocess && preprocess.type !== needed)
    yield { path: ["preprocess", "type"], message: `must be ${needed}, which ${type} needs` };
}

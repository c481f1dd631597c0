import type { TypedArray } from "../datatype.ts";
import { type Tensor, toTypedArray } from "../tensor.ts";
import type { DescribedModel, Feature, TensorPlan } from "./feature-plan.ts";
import { featurePlanOf } from "./feature-plan.ts";

/** Rows of a tensor of columns, and elements of another one, that are looked at: evenly spaced. */
export const MAX_LOOKED_AT = 1000;

/** Receives the values of features: of all those of a tensor, every `stride`-th from `start` on, `count` of them. */
export interface FeatureVisitor {
  numbers(
    feature: Feature,
    values: ArrayLike<number | bigint>,
    start: number,
    stride: number,
    count: number,
  ): void;
  texts(
    feature: Feature,
    values: readonly string[],
    start: number,
    stride: number,
    count: number,
  ): void;
}

/** Visits the features of a model's inputs, each with its values. */
export function visitInputs(
  model: DescribedModel,
  tensors: readonly Tensor[],
  visitor: FeatureVisitor,
): void {
  const plan = featurePlanOf(model);
  for (const tensor of tensors) {
    const ofTensor = plan.tensors.get(tensor.name);
    if (ofTensor) visitTensor(ofTensor, tensor, visitor);
  }
}

function visitTensor(
  { columns, whole }: TensorPlan,
  tensor: Tensor,
  visitor: FeatureVisitor,
): void {
  const isText = tensor.datatype === "BYTES";
  const values = isText ? tensor.data : toTypedArray(tensor);
  const { length } = values;
  const width = columns && length % columns.length === 0 ? columns.length : 1;
  const count = length / width;
  for (let column = 0; column < width; column++) {
    const feature = (columns && width > 1 ? columns[column] : whole) as Feature;
    if (isText) visitor.texts(feature, values as readonly string[], column, width, count);
    else visitor.numbers(feature, values as TypedArray, column, width, count);
  }
}

/** The index of a value that is looked at: of `looked` values that are evenly spaced among `count`. */
export function sampledIndex(index: number, looked: number, count: number): number {
  return looked === count ? index : Math.floor((index * count) / looked);
}

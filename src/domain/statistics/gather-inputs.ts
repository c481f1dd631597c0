import { elementCount, type NumericTensor, type Tensor, toTypedArray } from "../tensor.ts";
import type { DescribedModel, Feature, TensorPlan } from "./feature-plan.ts";
import { featurePlanOf } from "./feature-plan.ts";

/** Rows of a tensor of columns, and elements of another one, that are looked at: evenly spaced. */
export const MAX_LOOKED_AT = 1000;

/** Receives the values of features. */
export interface FeatureVisitor {
  /** @param values all of the tensor, of which every `stride`-th from `start` on is one of the feature */
  numbers(feature: Feature, values: ArrayLike<number | bigint>, at: ValuesAt): void;
  texts(feature: Feature, values: readonly string[], at: ValuesAt): void;
}

/** Which values of a tensor are those of a feature. */
export interface ValuesAt {
  readonly start: number;
  readonly stride: number;
  readonly count: number;
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

function visitTensor({ columns, whole }: TensorPlan, tensor: Tensor, visitor: FeatureVisitor) {
  const length = tensor.datatype === "BYTES" ? tensor.data.length : elementCount(tensor.shape);
  const width = columns && length % columns.length === 0 ? columns.length : 1;
  const features = columns && width > 1 ? columns : [whole];
  const values = tensor.datatype === "BYTES" ? undefined : toTypedArray(tensor as NumericTensor);
  for (let column = 0; column < features.length; column++) {
    const at = { start: column, stride: width, count: length / width };
    const feature = features[column] as Feature;
    if (values) visitor.numbers(feature, values, at);
    else visitor.texts(feature, tensor.data as readonly string[], at);
  }
}

/** The place of a value that is looked at, of `looked` among `count`. */
export function placeOf(index: number, looked: number, count: number): number {
  return looked === count ? index : Math.floor((index * count) / looked);
}

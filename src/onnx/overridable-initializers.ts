import type { TensorSpec } from "../domain/tensor.ts";
import type { OnnxOutline } from "./onnx-outline.ts";
import { toTensorSpec } from "./value-types.ts";

/** Before this version of the format every initializer had to be an input as well, and none can be given. */
const FIRST_IR_VERSION = 4;
/** A model with more of them lists its weights. */
const MAX_OVERRIDABLE = 64;

/**
 * Inputs that need not be given, because an initializer of the same name is their default
 * (https://github.com/onnx/onnx/blob/main/docs/IR.md#graphs).
 */
export function overridableInitializers({
  irVersion,
  inputs,
  initializers,
}: OnnxOutline): readonly TensorSpec[] {
  if (irVersion < FIRST_IR_VERSION) return [];
  const found = inputs
    .filter(({ name }) => initializers.has(name))
    .flatMap((input) => toTensorSpec(input) ?? []);
  return found.length > MAX_OVERRIDABLE ? [] : found;
}

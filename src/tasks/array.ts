import { ApiError } from "../domain/errors.ts";
import { formatShape, type TensorSpec } from "../domain/tensor.ts";
import { describe, fromJsonData, nestedShape } from "../domain/tensor-json.ts";
import type { Encode } from "./pipeline.ts";

/**
 * Nested JSON numbers: one item, or a list of items. Dimensions of 1 in front of an item may be left
 * out, so that an image of shape [1, 8, 8] can be sent as 8 rows of 8.
 */
export function createArrayEncoder(spec: TensorSpec): Encode {
  const item = spec.shape.slice(1);
  const leadingOnes = item.findIndex((size) => size !== 1);
  const shortest = item.slice(leadingOnes < 0 ? item.length : leadingOnes);
  const expected = (): string =>
    `an array of shape ${formatShape(shortest)}, or a list of such arrays`;

  return (inputs) => {
    const shape = nestedShape(inputs, spec.shape.length);
    if (!shape || shape.length < shortest.length)
      throw new ApiError(
        "invalid_input",
        `"inputs" must be ${expected()}; got ${describe(inputs)}.`,
      );
    const batched = shape.length === spec.shape.length || shape.length === shortest.length + 1;
    const one = batched ? shape.slice(1) : shape;
    const fits =
      one.length <= item.length &&
      item
        .slice(item.length - one.length)
        .every((size, axis) => typeof size === "string" || size === -1 || size === one[axis]);
    if (!fits)
      throw new ApiError(
        "invalid_shape",
        `"inputs" must be ${expected()}; got one of shape ${formatShape(shape)}.`,
        { details: { expected: shortest, actual: shape } },
      );
    // Checks that every row is as long as the first one, and the numbers.
    const nested = fromJsonData("inputs", spec.datatype, shape, inputs);
    const batch = batched ? (shape[0] ?? 0) : 1;
    const ones = Array.from({ length: item.length - one.length }, () => 1);
    const tensor = { ...nested, name: spec.name, shape: [batch, ...ones, ...one] };
    return { tensors: [tensor], batched };
  };
}

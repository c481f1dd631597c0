import { arrayBlock } from "../../domain/blocks/preprocess/array.ts";
import { NUMERIC_DATATYPES, type NumberArray } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import {
  elementCount,
  formatShape,
  type Tensor,
  type TensorSpec,
  toTypedArray,
} from "../../domain/tensor.ts";
import { describe, fromJsonData, nestedShape } from "../../domain/tensor-json.ts";
import {
  type Item,
  MAX_VALUES,
  type Preprocessor,
  rowsPerRun,
  splitList,
} from "../preprocessor.ts";

/**
 * Nested JSON numbers: one item, or a list of items. Leading dimensions of 1 of an item may be left
 * out, so that an image of shape [1, 8, 8] can be sent as 8 rows of 8.
 */
export function createArrayPreprocessor(spec: TensorSpec): Preprocessor {
  const item = spec.shape.slice(1);
  const leadingOnes = item.findIndex((size) => size !== 1);
  const shortest = item.slice(leadingOnes < 0 ? item.length : leadingOnes);
  const expected = (): string =>
    `an array of shape ${formatShape(shortest)}, or a list of such arrays`;

  const fits = (shape: readonly number[]): boolean =>
    shape.length <= item.length &&
    item
      .slice(item.length - shape.length)
      .every((size, axis) => typeof size === "string" || size === -1 || size === shape[axis]);

  return {
    mediaTypes: arrayBlock.mediaTypes,
    parameters: arrayBlock.parameters,
    maxBatch: rowsPerRun(spec.shape[0], leastElements(item)),
    split(inputs) {
      const shape = nestedShape(inputs, spec.shape.length);
      if (!shape || shape.length < shortest.length)
        throw new ApiError(
          "invalid_input",
          `"inputs" must be ${expected()}; got ${describe(inputs)}.`,
        );
      const isList = shape.length === spec.shape.length || shape.length === shortest.length + 1;
      const one = isList ? shape.slice(1) : shape;
      if (!fits(one))
        throw new ApiError(
          "invalid_shape",
          `"inputs" must be ${expected()}; got one of shape ${formatShape(shape)}.`,
          { details: { expected: shortest, actual: shape } },
        );
      return isList
        ? splitList(inputs, (count) => checkItemCount(count, one))
        : { items: [{ value: inputs, path: "inputs" }], form: "one" };
    },
    toTensors(items, { trace }) {
      return trace.measure("preprocess", () => {
        const [first] = items;
        const one = nestedShape(first?.value, item.length) ?? [];
        // Checks that every row is as long as the first one, and the numbers.
        const nested =
          items.length === 1 && one.length > 0
            ? fromJsonData("inputs", spec.datatype, one, first?.value)
            : fromJsonData(
                "inputs",
                spec.datatype,
                [items.length, ...one],
                items.map(({ value }) => value),
              );
        refuseNotFinite(nested, items, elementCount(one));
        const ones = Array.from({ length: item.length - one.length }, () => 1);
        return {
          tensors: [{ ...nested, name: spec.name, shape: [items.length, ...ones, ...one] }],
        };
      });
    },
  };
}

/**
 * NaN and infinity, which JSON spells as strings, are missing values, and an array has no rule for these.
 * @throws ApiError `invalid_input` that names the item and the index in it
 */
function refuseNotFinite(tensor: Tensor, items: readonly Item[], size: number): void {
  if (tensor.datatype === "BYTES" || NUMERIC_DATATYPES[tensor.datatype].kind !== "float") return;
  const values = toTypedArray(tensor) as NumberArray;
  const index = values.findIndex((value) => value - value !== 0);
  if (index < 0) return;
  throw new ApiError(
    "invalid_input",
    `${items[Math.floor(index / size)]?.path} must have finite numbers; element ${index % size} is ${values[index]}. A table with missing values needs the preprocess block "tabular"; tensors with NaN can be sent to /v2.`,
  );
}

/** @throws ApiError `invalid_input` for more items than a request may have; a single one may be of any size */
function checkItemCount(count: number, shape: readonly number[]): void {
  const maxItems = Math.max(Math.floor(MAX_VALUES / Math.max(elementCount(shape), 1)), 1);
  if (count <= maxItems) return;
  throw new ApiError(
    "invalid_input",
    `"inputs" has ${count} arrays of shape ${formatShape(shape)}: a request may have ${maxItems} at most.`,
    { details: { maxItems, actual: count } },
  );
}

/** The elements of an item whose dynamic dimensions have one. */
function leastElements(item: readonly (number | string)[]): number {
  return elementCount(item.map((size) => (typeof size === "number" && size > 0 ? size : 1)));
}

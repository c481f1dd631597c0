import {
  type RegressionBlock,
  regressionBlock,
} from "../../domain/blocks/postprocess/regression.ts";
import { elementCount, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { type JsonValue, toJsonValue } from "../../shared/json-number.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import type { Postprocessor } from "../postprocessor.ts";

type Nested = JsonValue | Nested[];

const MAX_RANK = 3;

/**
 * A prediction for each item, always in a list: the shape of Hugging Face's tabular regression. Dimensions of 1 are
 * dropped, so that outputs of shape [batch], [batch, 1] and [batch, 1, 1] have one number for each item.
 */
export function createRegressionPostprocessor({ output }: RegressionBlock): Postprocessor {
  return {
    outputs: [output],
    parameters: regressionBlock.parameters,
    toPredictions: ([result]) => toPredictions(result),
    assemble: (predictions) => predictions,
  };
}

/** @throws ApiError `task_not_supported` for another shape, `inference_failed` for NaN and infinity */
function toPredictions(result: Tensor | undefined): Nested[] {
  const [batch, ...ofItem] = result?.shape ?? [];
  const isEmpty = ofItem.includes(0);
  if (
    !result ||
    result.datatype === "BYTES" ||
    batch === undefined ||
    isEmpty ||
    ofItem.length >= MAX_RANK
  )
    throw outputMismatch(
      result,
      "numbers of shape [batch], [batch, values] or [batch, steps, targets]",
    );
  const numbers: ArrayLike<number | bigint> = toTypedArray(result);
  const values = Array.from(numbers, toJsonValue);
  if (values.some((value) => typeof value === "number" && !Number.isFinite(value)))
    throw notFinite(result.name);
  const shape = ofItem.filter((size) => size !== 1);
  const stride = elementCount(shape);
  return Array.from({ length: batch }, (_, item) => nest(values, item * stride, shape));
}

function nest(values: readonly JsonValue[], offset: number, shape: readonly number[]): Nested {
  const [size, ...inner] = shape;
  if (size === undefined) return values[offset] ?? Number.NaN;
  if (inner.length === 0) return values.slice(offset, offset + size);
  const stride = elementCount(inner);
  return Array.from({ length: size }, (_, index) => nest(values, offset + index * stride, inner));
}

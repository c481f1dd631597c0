import type { GraphTensor } from "../../onnx/graph/onnx-graph.ts";
import { ELEMENT, toNumbers, toTexts } from "../../onnx/graph/tensor-elements.ts";
import { ColumnValue } from "./element.ts";
import { countOf, ROWS, roundOf, Value } from "./value.ts";

/** @throws OnnxError for a tensor that is not of numbers or texts */
export function fromTensor(tensor: GraphTensor): Value {
  const { elementType, shape } = tensor;
  const elements = elementType === ELEMENT.string ? toTexts(tensor) : toNumbers(tensor);
  return new Value(elementType, shape, elements);
}

/**
 * The input of a model: its columns, rounded to what its datatype has.
 * @param shape of a row
 */
export function inputValue(elementType: number, shape: readonly number[]): Value {
  const round = roundOf(elementType);
  const elements = Array.from(
    { length: countOf(shape) },
    (_, column) => new ColumnValue(column, round, 0),
  );
  return new Value(elementType, [ROWS, ...shape], elements);
}

import { ELEMENT } from "../../onnx/graph/tensor-elements.ts";
import { add, multiply, toMargin } from "../graph/arithmetic.ts";
import { broadcast } from "../graph/broadcast.ts";
import { type Element, GroupValue, isLinked, UnexplainableError } from "../graph/element.ts";
import { functionOf } from "../graph/functions-of-columns.ts";
import { combine, sumOf } from "../graph/linear-combination.ts";
import { constantNumbers, countOf, roundOf, stridesOf, Value } from "../graph/value.ts";
import { map } from "./elementwise.ts";
import {
  inputOf,
  listAttribute,
  numberAttribute,
  type Operator,
  type OperatorCall,
} from "./operator.ts";

/** Operators of ONNX's own domain that add up elements. */
export const SUMS: Readonly<Record<string, Operator>> = {
  MatMul: matMul,
  Gemm: gemm,
  ReduceSum: reduce((group, name) =>
    group.some(isLinked) ? new GroupValue("total", group, -1) : sumOf(group, name),
  ),
  ReduceMean: reduce((group, name) => combine(group, 1, () => 1 / group.length, name)[0] ?? 0),
  ReduceSumSquare: reduce((group, name) =>
    sumOf(
      group.map((element) => multiply(element, element, Math.fround)),
      name,
    ),
  ),
  ArgMax: argMax,
  ReduceLogSumExp: reduce((group, name) => {
    for (const element of group) toMargin(element, name);
    return new GroupValue("log_sum_exp", group, -1);
  }),
};

function matMul(call: OperatorCall): Value[] {
  const [left, right] = [inputOf(call, 0), inputOf(call, 1)];
  if (right.rank !== 1) return [product(left, right, false, "MatMul")];
  const matrix = new Value(right.elementType, [...right.shape, 1], right.elements);
  const { elementType, shape, elements } = product(left, matrix, false, "MatMul");
  return [new Value(elementType, shape.slice(0, -1), elements)];
}

/**
 * The product of rows and a constant matrix.
 * @throws UnexplainableError where the second one depends on the row
 */
export function product(left: Value, right: Value, isTransposed: boolean, name: string): Value {
  const weights = constantNumbers(right, `second input of ${name}`);
  const [rows, columns] = isTransposed ? [right.shape[1], right.shape[0]] : right.shape;
  const inner = left.shape.at(-1);
  if (right.rank !== 2 || rows === undefined || columns === undefined || rows !== inner)
    throw new UnexplainableError(
      `the model's operator ${name} multiplies shapes [${left.shape.join(", ")}] and [${right.shape.join(", ")}]`,
    );
  const weightOf = isTransposed
    ? (row: number, column: number): number => weights[column * rows + row] ?? 0
    : (row: number, column: number): number => weights[row * columns + column] ?? 0;
  const elements: Element[] = [];
  for (let at = 0; at < left.elements.length; at += rows) {
    const own = Array.from({ length: rows }, (_, row) => left.elements[at + row] as Element);
    elements.push(...combine(own, columns, weightOf, name));
  }
  return new Value(left.elementType, [...left.shape.slice(0, -1), columns], elements);
}

function gemm(call: OperatorCall): Value[] {
  const { node } = call;
  if (numberAttribute(node, "transA", 0) !== 0)
    throw new UnexplainableError("the model's operator Gemm transposes rows");
  const alpha = numberAttribute(node, "alpha", 1);
  const beta = numberAttribute(node, "beta", 1);
  const isTransposed = numberAttribute(node, "transB", 0) !== 0;
  const multiplied = product(inputOf(call, 0), inputOf(call, 1), isTransposed, "Gemm");
  const round = roundOf(multiplied.elementType);
  const scaled =
    alpha === 1 ? multiplied : map(multiplied, (element) => multiply(element, alpha, round));
  const bias = call.inputs[2];
  if (!bias) return [scaled];
  const added = beta === 1 ? bias : map(bias, (element) => multiply(element, beta, round));
  return [
    broadcast([scaled, added], scaled.elementType, ([left, right]) =>
      add(left as Element, right as Element, round),
    ),
  ];
}

function reduce(combineGroup: CombineGroup): Operator {
  return (call) => {
    const value = inputOf(call, 0);
    const { node } = call;
    const given = call.inputs[1];
    const list = given
      ? constantNumbers(given, `axes of ${node.operator}`)
      : Array.from(listAttribute(node, "axes") ?? []);
    if (list.length === 0 && numberAttribute(node, "noop_with_empty_axes", 0) !== 0) return [value];
    const axes = list.length > 0 ? list.map((axis) => value.axis(axis)) : [...value.shape.keys()];
    const keeps = numberAttribute(node, "keepdims", 1) !== 0;
    return [reduceOver(value, axes, keeps, (group) => combineGroup(group, node.operator))];
  };
}

type CombineGroup = (group: Element[], name: string) => Element;

/** @throws UnexplainableError where the rows are one of the axes */
function reduceOver(
  value: Value,
  list: readonly number[],
  keeps: boolean,
  combineGroup: (group: Element[]) => Element,
): Value {
  const axes = new Set(list);
  if (axes.has(value.rowsAxis)) throw new UnexplainableError("the model combines several rows");
  const rowShape = value.rowShape.map((size, axis) => (axes.has(axis) ? 1 : size));
  const strides = stridesOf(value.rowShape);
  const reducedStrides = stridesOf(rowShape);
  const groups = Array.from({ length: countOf(rowShape) }, (): Element[] => []);
  for (let at = 0; at < value.elements.length; at++) {
    let group = 0;
    for (const [axis, size] of value.rowShape.entries())
      if (!axes.has(axis))
        group += (Math.floor(at / (strides[axis] ?? 1)) % size) * (reducedStrides[axis] ?? 0);
    groups[group]?.push(value.elements[at] as Element);
  }
  const shape = value.shape.flatMap((size, axis) => (axes.has(axis) ? (keeps ? [1] : []) : [size]));
  return new Value(value.elementType, shape, groups.map(combineGroup));
}

/** Of numbers that come of one column, as an encoder of intervals compares it with their bounds. */
function argMax(call: OperatorCall): Value[] {
  const { node } = call;
  const value = inputOf(call, 0);
  const axis = value.axis(numberAttribute(node, "axis", 0));
  const isLast = numberAttribute(node, "select_last_index", 0) !== 0;
  const found = reduceOver(value, [axis], numberAttribute(node, "keepdims", 1) !== 0, (group) =>
    functionOf(group, (cells) => indexOfGreatest(cells.map(Number), isLast), "ArgMax"),
  );
  return [new Value(ELEMENT.int64, found.shape, found.elements)];
}

function indexOfGreatest(numbers: readonly number[], isLast: boolean): number {
  let best = 0;
  for (const [index, number] of numbers.entries()) {
    const greatest = numbers[best] as number;
    if (number > greatest || (isLast && number === greatest)) best = index;
  }
  return best;
}

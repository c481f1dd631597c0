import { ELEMENT } from "../../onnx/graph/tensor-elements.ts";
import { add, divide, multiply, type Round, subtract } from "../graph/arithmetic.ts";
import { broadcast } from "../graph/broadcast.ts";
import { type Cell, type Element, GroupValue, UnexplainableError } from "../graph/element.ts";
import { functionOf } from "../graph/functions-of-columns.ts";
import { isInteger, roundOf, toCell, Value } from "../graph/value.ts";
import { inputOf, numberAttribute, type Operator, type OperatorCall } from "./operator.ts";

/** Operators of ONNX's own domain that compute element by element. */
export const ELEMENTWISE: Readonly<Record<string, Operator>> = {
  Identity: (call) => [inputOf(call, 0)],
  Dropout: (call) => [inputOf(call, 0)],
  Add: binary(add),
  Sub: binary(subtract),
  Mul: binary(multiply),
  Div: binary((left, right, round, elementType) =>
    isInteger(elementType)
      ? functionOf([left, right], ([a, b]) => Math.trunc(Number(a) / Number(b)), "Div")
      : divide(left, right, round),
  ),
  Sum: variadic(add),
  Mean: (call) => {
    const [sum] = variadic(add)(call);
    if (!sum) return [];
    const round = roundOf(sum.elementType);
    return [map(sum, (element) => divide(element, call.inputs.length, round))];
  },
  Max: variadic(numeric((a, b) => (Number.isNaN(a + b) ? Number.NaN : Math.max(a, b)), "Max")),
  Min: variadic(numeric((a, b) => (Number.isNaN(a + b) ? Number.NaN : Math.min(a, b)), "Min")),
  Pow: binary(numeric((a, b) => a ** b, "Pow")),
  Neg: (call) => {
    const value = inputOf(call, 0);
    const round = roundOf(value.elementType);
    return [map(value, (element) => multiply(element, -1, round))];
  },
  Reciprocal: (call) => {
    const value = inputOf(call, 0);
    const round = roundOf(value.elementType);
    return [map(value, (element) => divide(1, element, round))];
  },
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Log: unary(Math.log),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(roundHalfToEven),
  Sign: unary(Math.sign),
  Relu: unary((value) => (value > 0 || Number.isNaN(value) ? value : 0)),
  Tanh: unary(Math.tanh),
  Clip: clip,
  IsNaN: test((a) => Number.isNaN(a)),
  IsInf: test((a) => Math.abs(a) === Infinity),
  Not: test((a) => a === 0),
  Equal: compare((a, b) => a === b),
  Less: compare((a, b) => Number(a) < Number(b)),
  LessOrEqual: compare((a, b) => Number(a) <= Number(b)),
  Greater: compare((a, b) => Number(a) > Number(b)),
  GreaterOrEqual: compare((a, b) => Number(a) >= Number(b)),
  And: compare((a, b) => a !== 0 && b !== 0),
  Or: compare((a, b) => a !== 0 || b !== 0),
  Xor: compare((a, b) => (a !== 0) !== (b !== 0)),
  Where: where,
  Cast: cast,
  DequantizeLinear: dequantize,
};

/** The value with other elements. */
export function map(value: Value, change: (element: Element, index: number) => Element): Value {
  return new Value(value.elementType, value.shape, Array.from(value.elements, change));
}

type Combine = (left: Element, right: Element, round: Round, elementType: number) => Element;

function binary(combine: Combine): Operator {
  return (call) => {
    const values = [inputOf(call, 0), inputOf(call, 1)];
    const { elementType } = values[0] as Value;
    const round = roundOf(elementType);
    return [
      broadcast(values, elementType, ([left, right]) =>
        combine(left as Element, right as Element, round, elementType),
      ),
    ];
  };
}

function variadic(combine: Combine): Operator {
  return (call) => {
    const values = call.inputs.map((_, index) => inputOf(call, index));
    const elementType = values[0]?.elementType ?? ELEMENT.float;
    const round = roundOf(elementType);
    return [
      broadcast(values, elementType, (elements) =>
        elements.reduce((left, right) => combine(left, right, round, elementType)),
      ),
    ];
  };
}

function numeric(compute: (a: number, b: number) => number, name: string): Combine {
  return (left, right, round) =>
    functionOf([left, right], ([a, b]) => round(compute(Number(a), Number(b))), name);
}

function unary(compute: (value: number) => number): Operator {
  return (call) => {
    const value = inputOf(call, 0);
    const round = roundOf(value.elementType);
    const name = call.node.operator;
    return [
      map(value, (element) => functionOf([element], ([a]) => round(compute(Number(a))), name)),
    ];
  };
}

function test(compute: (value: number) => boolean): Operator {
  return (call) => {
    const value = inputOf(call, 0);
    const found = map(value, (element) =>
      functionOf([element], ([a]) => toCell(compute(Number(a))), call.node.operator),
    );
    return [new Value(ELEMENT.bool, found.shape, found.elements)];
  };
}

function compare(compute: (a: Cell | undefined, b: Cell | undefined) => boolean): Operator {
  return (call) => [
    broadcast([inputOf(call, 0), inputOf(call, 1)], ELEMENT.bool, (elements) =>
      functionOf(elements, ([a, b]) => toCell(compute(a, b)), call.node.operator),
    ),
  ];
}

function where(call: OperatorCall): Value[] {
  const values = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
  return [
    broadcast(values, inputOf(call, 1).elementType, (elements) => {
      const [condition, whenTrue, whenFalse] = elements;
      if (typeof condition === "number") return (condition ? whenTrue : whenFalse) as Element;
      return functionOf(elements, ([is, a, b]) => (is === 0 ? b : a) as Cell, "Where");
    }),
  ];
}

function clip(call: OperatorCall): Value[] {
  const { node, inputs } = call;
  const value = inputOf(call, 0);
  const bound = (index: number, name: string, otherwise: number): Element =>
    inputs[index]?.elements[0] ?? numberAttribute(node, name, otherwise);
  const low = bound(1, "min", -Infinity);
  const high = bound(2, "max", Infinity);
  return [
    map(value, (element) =>
      functionOf(
        [element, low, high],
        ([a, least, greatest]) => Math.min(Math.max(Number(a), Number(least)), Number(greatest)),
        "Clip",
      ),
    ),
  ];
}

function cast(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const to = numberAttribute(call.node, "to", ELEMENT.float);
  if (to === value.elementType) return [value];
  const convert = converter(value.elementType, to);
  const elements = Array.from(value.elements, (element) => {
    // Whether there is any probability at all.
    if (to === ELEMENT.bool && element instanceof GroupValue && element.kind === "total") return 1;
    // Sums are kept in double precision.
    if (typeof element === "object" && !isInteger(to) && to !== ELEMENT.string && !isText(value))
      if (!("column" in element)) return element;
    return functionOf([element], ([cell]) => convert(cell as Cell), "Cast");
  });
  return [new Value(to, value.shape, elements)];
}

function isText({ elementType }: Value): boolean {
  return elementType === ELEMENT.string;
}

/** @throws UnexplainableError for texts of numbers that are not whole */
function converter(from: number, to: number): (cell: Cell) => Cell {
  if (to === ELEMENT.string) {
    if (isInteger(from)) return String;
    throw new UnexplainableError("the model's operator Cast makes texts of numbers");
  }
  const round = roundOf(to);
  if (to === ELEMENT.bool || !isInteger(to)) return (cell) => round(Number(cell));
  return (cell) => {
    const number = Number(cell);
    // As WebAssembly's conversions, which saturate.
    return Number.isNaN(number) ? 0 : Math.trunc(number);
  };
}

function dequantize(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const scale = inputOf(call, 1);
  const axis = value.axis(numberAttribute(call.node, "axis", 1));
  const along = (parameters: Value): Value =>
    parameters.rank === 1 && parameters.elements.length > 1
      ? new Value(
          parameters.elementType,
          value.shape.map((size, at) => (at === axis ? size : 1)),
          parameters.elements,
        )
      : parameters;
  const zero = call.inputs[2];
  const values = [value, along(scale), ...(zero ? [along(zero)] : [])];
  return [
    broadcast(values, scale.elementType, ([element, factor, offset = 0]) =>
      functionOf(
        [element as Element, factor as Element, offset],
        ([a, b, c]) => Math.fround((Number(a) - Number(c)) * Number(b)),
        "DequantizeLinear",
      ),
    ),
  ];
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const distance = value - below;
  if (distance !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

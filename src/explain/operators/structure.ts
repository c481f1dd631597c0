import { ELEMENT } from "../../onnx/graph/tensor-elements.ts";
import { type Element, UnexplainableError } from "../graph/element.ts";
import { fromTensor } from "../graph/to-value.ts";
import { constantNumbers, countOf, ROWS, stridesOf, Value } from "../graph/value.ts";
import {
  inputOf,
  listAttribute,
  numberAttribute,
  type Operator,
  type OperatorCall,
  tensorAttribute,
  textsAttribute,
} from "./operator.ts";

/** Operators of ONNX's own domain that arrange elements. */
export const STRUCTURE: Readonly<Record<string, Operator>> = {
  Constant: constant,
  Reshape: (call) => [reshape(inputOf(call, 0), numbersOf(call, 1, "shape") ?? [])],
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: (call) => [
    concatenate(
      call.inputs.map((_, index) => inputOf(call, index)),
      numberAttribute(call.node, "axis", 1),
    ),
  ],
  Gather: gather,
  Slice: slice,
  Split: split,
};

function constant({ node }: OperatorCall): Value[] {
  const tensor = tensorAttribute(node, "value");
  if (tensor) return [fromTensor(tensor)];
  const floats = listAttribute(node, "value_floats");
  if (floats) return [new Value(ELEMENT.float, [floats.length], floats)];
  const ints = listAttribute(node, "value_ints");
  if (ints) return [new Value(ELEMENT.int64, [ints.length], ints)];
  const texts = textsAttribute(node, "value_strings");
  if (texts) return [new Value(ELEMENT.string, [texts.length], texts)];
  for (const [name, type] of Object.entries(CONSTANTS)) {
    const value = node.attributes.get(name);
    if (typeof value === "number" || typeof value === "string")
      return [new Value(type, [], [value])];
  }
  throw new UnexplainableError("the model has a Constant of a kind that is not read");
}

const CONSTANTS = {
  value_float: ELEMENT.float,
  value_int: ELEMENT.int64,
  value_string: ELEMENT.string,
};

/** The numbers of an input, or of the attribute that older versions have for it. */
function numbersOf(call: OperatorCall, index: number, attribute: string): number[] | undefined {
  const input = call.inputs[index];
  if (input) return constantNumbers(input, `input ${index} of ${call.node.operator}`);
  const list = listAttribute(call.node, attribute);
  return list && Array.from(list);
}

/** @throws UnexplainableError for a shape that would put elements of several rows in one row */
function reshape(value: Value, target: readonly number[]): Value {
  const wanted = target.map((size, axis) => (size === 0 ? (value.shape[axis] ?? 1) : size));
  const count = value.elements.length;
  if (value.rowsAxis < 0) {
    const known = countOf(wanted.filter((size) => size !== -1));
    const shape = wanted.map((size) => (size === -1 ? count / known : size));
    return new Value(value.elementType, shape, value.elements);
  }
  // Rows stay rows where the elements before and after them stay so many.
  const before = countOf(value.shape.slice(0, value.rowsAxis));
  const open = wanted.indexOf(-1);
  const candidates = open >= 0 ? [open] : wanted.keys().filter((axis) => wanted[axis] === 1);
  for (const axis of candidates) {
    const rest = wanted.map((size, at) => (at === axis ? 1 : size));
    if (countOf(rest) === count && countOf(rest.slice(0, axis)) === before)
      return new Value(
        value.elementType,
        wanted.map((size, at) => (at === axis ? ROWS : size)),
        value.elements,
      );
  }
  throw new UnexplainableError(
    `the model's operator Reshape makes [${target.join(", ")}] of rows with ${count} numbers`,
  );
}

function flatten(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const axis = numberAttribute(call.node, "axis", 1);
  if (value.rowsAxis !== 0 || axis !== 1)
    throw new UnexplainableError("the model's operator Flatten makes several rows one");
  return [new Value(value.elementType, [ROWS, value.elements.length], value.elements)];
}

function squeeze(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const given = numbersOf(call, 1, "axes")?.map((axis) => value.axis(axis));
  const axes = given ?? [...value.shape.keys()].filter((axis) => value.shape[axis] === 1);
  if (axes.includes(value.rowsAxis))
    throw new UnexplainableError("the model's operator Squeeze takes rows for one");
  const shape = value.shape.filter((_, axis) => !axes.includes(axis));
  return [new Value(value.elementType, shape, value.elements)];
}

function unsqueeze(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const axes = numbersOf(call, 1, "axes") ?? [];
  const rank = value.rank + axes.length;
  const shape = [...value.shape];
  for (const axis of axes.map((at) => (at < 0 ? at + rank : at)).sort((a, b) => a - b))
    shape.splice(axis, 0, 1);
  return [new Value(value.elementType, shape, value.elements)];
}

function transpose(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const order = Array.from(
    listAttribute(call.node, "perm") ?? value.shape.keys().toArray().reverse(),
  );
  const shape = order.map((axis) => value.shape[axis] ?? 1);
  const rowShape = order.map((axis) => value.rowShape[axis] ?? 1);
  const strides = stridesOf(value.rowShape);
  const steps = order.map((axis) => strides[axis] ?? 1);
  return [new Value(value.elementType, shape, pick(value, rowShape, steps, 0))];
}

/** Elements in another order: a step along each axis of the shape is so many elements of the value. */
function pick(
  value: Value,
  rowShape: readonly number[],
  steps: readonly number[],
  start: number,
): Element[] {
  const strides = stridesOf(rowShape);
  return Array.from({ length: countOf(rowShape) }, (_, index) => {
    let position = start;
    for (const [axis, size] of rowShape.entries())
      position += (Math.floor(index / (strides[axis] ?? 1)) % size) * (steps[axis] ?? 0);
    return value.elements[position] as Element;
  });
}

/** @throws UnexplainableError for values of which some have rows and others have none */
export function concatenate(values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (!first) throw new UnexplainableError("the model concatenates nothing");
  const along = first.axis(axis);
  const isPlain = values.every(
    (value) => value.rowsAxis === first.rowsAxis && value.rank === first.rank,
  );
  if (!isPlain || along === first.rowsAxis)
    throw new UnexplainableError("the model's operator Concat makes rows of what are none");
  const sizes = values.map((value) => value.shape[along] ?? 1);
  const shape = first.shape.map((size, at) =>
    at === along ? sizes.reduce((sum, own) => sum + own, 0) : size,
  );
  const outer = countOf(first.rowShape.slice(0, along));
  const elements: Element[] = [];
  for (let part = 0; part < outer; part++)
    for (const value of values) {
      const count = value.elements.length / outer;
      for (let at = part * count; at < (part + 1) * count; at++)
        elements.push(value.elements[at] as Element);
    }
  return new Value(first.elementType, shape, elements);
}

function gather(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const indices = inputOf(call, 1);
  const axis = value.axis(numberAttribute(call.node, "axis", 0));
  const positions = constantNumbers(indices, "choice of columns");
  return [take(value, axis, positions, indices.shape)];
}

/**
 * Elements at positions along an axis.
 * @param shape of the positions, which takes the place of the axis
 * @throws UnexplainableError for positions that are not there, and for rows
 */
export function take(
  value: Value,
  axis: number,
  positions: readonly number[],
  shape: readonly number[],
): Value {
  const size = value.shape[axis] ?? 1;
  if (axis === value.rowsAxis) throw new UnexplainableError("the model takes single rows of a run");
  const wanted = positions.map((position) => (position < 0 ? position + size : position));
  const outside = wanted.find((position) => !(position >= 0 && position < size));
  if (outside !== undefined)
    throw new UnexplainableError(`the model takes column ${outside} of ${size}`);
  const outer = countOf(value.rowShape.slice(0, axis));
  const inner = countOf(value.rowShape.slice(axis + 1));
  const elements: Element[] = [];
  for (let part = 0; part < outer; part++)
    for (const position of wanted)
      for (let at = 0; at < inner; at++)
        elements.push(value.elements[(part * size + position) * inner + at] as Element);
  const before = value.shape.slice(0, axis);
  const after = value.shape.slice(axis + 1);
  return new Value(value.elementType, [...before, ...shape, ...after], elements);
}

function slice(call: OperatorCall): Value[] {
  let value = inputOf(call, 0);
  const starts = numbersOf(call, 1, "starts") ?? [];
  const ends = numbersOf(call, 2, "ends") ?? [];
  const axes = numbersOf(call, 3, "axes") ?? [...starts.keys()];
  const steps = numbersOf(call, 4, "steps") ?? starts.map(() => 1);
  for (const [at, start] of starts.entries()) {
    const axis = value.axis(axes[at] ?? at);
    const [end, step] = [ends[at] ?? 0, steps[at] ?? 1];
    if (axis === value.rowsAxis) {
      if (start === 0 && end >= 2 ** 31 - 1 && step === 1) continue;
      throw new UnexplainableError("the model takes single rows of a run");
    }
    const positions = range(start, end, step, value.shape[axis] ?? 1);
    value = take(value, axis, positions, [positions.length]);
  }
  return [value];
}

function range(start: number, end: number, step: number, size: number): number[] {
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const hold = (at: number): number => Math.min(Math.max(at < 0 ? at + size : at, least), most);
  const positions: number[] = [];
  const last = hold(end);
  if (step > 0) for (let at = hold(start); at < last; at += step) positions.push(at);
  else if (step < 0) for (let at = hold(start); at > last; at += step) positions.push(at);
  return positions;
}

function split(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const axis = value.axis(numberAttribute(call.node, "axis", 0));
  const size = value.shape[axis] ?? 1;
  const parts = call.node.outputs.length;
  const even = Math.ceil(size / parts);
  const sizes =
    numbersOf(call, 1, "split") ??
    Array.from({ length: parts }, (_, part) => Math.min(even, size - part * even));
  let start = 0;
  return sizes.map((count) => {
    const positions = Array.from({ length: count }, (_, at) => start + at);
    start += count;
    return take(value, axis, positions, [count]);
  });
}

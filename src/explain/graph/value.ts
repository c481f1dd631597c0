import { ELEMENT } from "../../onnx/graph/tensor-elements.ts";
import type { Round } from "./arithmetic.ts";
import { type Cell, type Element, UnexplainableError } from "./element.ts";

/** The size of the dimension that has the rows of a run. */
export const ROWS = -1;

/** More elements of a row than a table has columns. */
export const MAX_ELEMENTS = 1_000_000;

/** A tensor of a graph, with what its elements are in any row. */
export class Value {
  /** A number of `TensorProto.DataType`. */
  readonly elementType: number;
  /** With {@link ROWS} in one place, unless it is the same for all rows. */
  readonly shape: readonly number[];
  /** Of one row. */
  readonly elements: ArrayLike<Element>;

  /** @throws UnexplainableError for too many elements */
  constructor(elementType: number, shape: readonly number[], elements: ArrayLike<Element>) {
    if (elements.length > MAX_ELEMENTS)
      throw new UnexplainableError(
        `the model computes ${elements.length} numbers of a row, and up to ${MAX_ELEMENTS} are followed`,
      );
    this.elementType = elementType;
    this.shape = shape;
    this.elements = elements;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Where the rows are; -1 for a constant. */
  get rowsAxis(): number {
    return this.shape.indexOf(ROWS);
  }

  /** The shape of one row, in which the dimension of rows has size 1. */
  get rowShape(): number[] {
    return this.shape.map((size) => (size === ROWS ? 1 : size));
  }

  /** An axis from 0. @throws UnexplainableError for one that the value does not have */
  axis(axis: number): number {
    const found = axis < 0 ? axis + this.rank : axis;
    if (found >= 0 && found < this.rank) return found;
    throw new UnexplainableError(`the model has an operator with axis ${axis}, which is not there`);
  }
}

export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** How many elements one step along each axis of a shape is. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** The numbers of a constant. @throws UnexplainableError where it depends on the row */
export function constantNumbers({ elements }: Value, what: string): number[] {
  return Array.from(elements, (element) => {
    if (typeof element === "number") return element;
    throw new UnexplainableError(`the model's ${what} depends on the row`);
  });
}

/** How the engine rounds numbers of a type. @throws UnexplainableError for a type that is not followed */
export function roundOf(elementType: number): Round {
  const round = ROUND[elementType];
  if (round) return round;
  throw new UnexplainableError(`the model computes with elements of type ${elementType}`);
}

const same: Round = (value) => value;
const ROUND: Readonly<Record<number, Round>> = {
  [ELEMENT.float]: Math.fround,
  [ELEMENT.double]: same,
  [ELEMENT.int64]: same,
  [ELEMENT.int32]: same,
  [ELEMENT.uint8]: same,
  [ELEMENT.int8]: same,
  [ELEMENT.uint16]: same,
  [ELEMENT.int16]: same,
  [ELEMENT.uint32]: same,
  [ELEMENT.uint64]: same,
  [ELEMENT.bool]: (value) => (value === 0 ? 0 : 1),
};

export function isInteger(elementType: number): boolean {
  const { float, double, float16, string } = ELEMENT;
  return ![float, double, float16, string].some((type) => type === elementType);
}

/** The cell of a boolean. */
export function toCell(value: boolean): Cell {
  return value ? 1 : 0;
}

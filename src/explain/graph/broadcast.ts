import { type Element, UnexplainableError } from "./element.ts";
import { countOf, ROWS, stridesOf, Value } from "./value.ts";

/**
 * Combines values element by element, as ONNX broadcasts them.
 * Source: https://github.com/onnx/onnx/blob/main/docs/Broadcasting.md
 * @throws UnexplainableError for shapes that do not fit, and where rows meet another dimension
 */
export function broadcast(
  values: readonly Value[],
  elementType: number,
  combine: (elements: Element[]) => Element,
): Value {
  const shape = commonShape(values.map((value) => value.shape));
  const rowShape = shape.map((size) => (size === ROWS ? 1 : size));
  const positions = values.map((value) => positionsIn(value, rowShape));
  const elements = Array.from({ length: countOf(rowShape) }, (_, index) =>
    combine(
      values.map((value, which) => value.elements[positions[which]?.(index) ?? index] as Element),
    ),
  );
  return new Value(elementType, shape, elements);
}

export function commonShape(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    let common = 1;
    for (const shape of shapes) {
      const size = shape[axis - rank + shape.length] ?? 1;
      if (size === 1 || size === common) continue;
      if (common !== 1)
        throw new UnexplainableError(
          `the model combines shapes in which ${nameOf(common)} and ${nameOf(size)} are in one place`,
        );
      common = size;
    }
    return common;
  });
}

function nameOf(size: number): string {
  return size === ROWS ? "the rows" : `${size} numbers`;
}

/** Where the element of a value is that an index of the common shape stands for; `undefined` where that is the index itself. */
function positionsIn(
  value: Value,
  rowShape: readonly number[],
): ((index: number) => number) | undefined {
  const own = value.rowShape;
  if (own.length === rowShape.length && own.every((size, axis) => size === rowShape[axis]))
    return undefined;
  const offset = rowShape.length - own.length;
  const strides = stridesOf(rowShape);
  const ownStrides = stridesOf(own);
  return (index) => {
    let position = 0;
    for (const [axis, size] of own.entries()) {
      if (size === 1) continue;
      const stride = strides[axis + offset] ?? 1;
      position += (Math.floor(index / stride) % size) * (ownStrides[axis] ?? 0);
    }
    return position;
  };
}

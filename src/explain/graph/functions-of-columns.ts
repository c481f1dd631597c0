import { sigmoid } from "../../shared/activations.ts";
import {
  type Cell,
  ColumnValue,
  type Element,
  isLinked,
  MarginValue,
  UnexplainableError,
  WeightedSum,
} from "./element.ts";

/** Functions within functions: a graph that says x + x a hundred times would call 2^100. */
const MAX_COST = 2000;

/**
 * A function of elements of which at most one column is the origin.
 * @param compute of the cells that the elements have in a row
 * @param name of the operator, for errors
 * @throws UnexplainableError when they come of several columns
 */
export function functionOf(
  elements: readonly Element[],
  compute: (cells: Cell[]) => Cell,
  name: string,
): Element {
  const parts = elements.map((element) => toColumnValue(element, name));
  const first = parts.find((part) => part instanceof ColumnValue);
  if (!first) return compute(parts as Cell[]);
  let cost = 1;
  for (const part of parts) {
    if (!(part instanceof ColumnValue)) continue;
    if (part.column !== first.column) throw mixes(name);
    cost += part.cost;
  }
  if (cost > MAX_COST)
    throw new UnexplainableError(`the model computes too much of one column (${name})`);
  const { column } = first;
  const [only] = parts;
  if (parts.length === 1 && only instanceof ColumnValue)
    return new ColumnValue(column, (value) => compute([only.compute(value)]), cost);
  return new ColumnValue(
    column,
    (value) => compute(parts.map((part) => cellOf(part, value))),
    cost,
  );
}

/** Of a cell or a column, in a row where the column has the value. */
export function cellOf(part: Cell | ColumnValue, value: number): Cell {
  return part instanceof ColumnValue ? part.compute(value) : part;
}

/**
 * An element as a function of one column.
 * @throws UnexplainableError where it is none
 */
export function toColumnValue(element: Element, name: string): Cell | ColumnValue {
  if (element instanceof WeightedSum) throw mixes(name);
  if (!isLinked(element)) return element;
  if (element instanceof MarginValue && !(element.margin instanceof WeightedSum))
    return functionOf([element.margin], FUNCTIONS[element.kind], name) as Cell | ColumnValue;
  throw mixes(name);
}

/** In the precision of most models. */
const FUNCTIONS: Readonly<Record<MarginValue["kind"], (cells: Cell[]) => Cell>> = {
  exp: ([value]) => Math.fround(Math.exp(Number(value))),
  one_plus_exp: ([value]) => Math.fround(1 + Math.fround(Math.exp(Number(value)))),
  logistic: ([value]) => Math.fround(sigmoid(Number(value))),
  probit: () => {
    throw new UnexplainableError("the model computes with PROBIT scores of a single column");
  },
};

export function mixes(name: string): UnexplainableError {
  return new UnexplainableError(
    `the model's operator ${name} makes something of several columns together that is no sum`,
  );
}

import {
  type Atom,
  ColumnValue,
  type Element,
  GroupValue,
  isLinked,
  type Margin,
  MarginValue,
  UnexplainableError,
  WeightedSum,
} from "./element.ts";
import { functionOf, mixes, toColumnValue } from "./functions-of-columns.ts";

/** What rounds a number to those that an element type has. */
export type Round = (value: number) => number;

/**
 * Sums and products of elements. Sums of several columns are kept as sums, in double precision; what comes of one column is
 * rounded as the engine does.
 */
export function add(left: Element, right: Element, round: Round): Element {
  if (typeof left === "number" && typeof right === "number") return round(left + right);
  // What checks whether a sum of probabilities is 0 adds 0.
  if (isLinked(left) && right === 0) return left;
  if (isLinked(right) && left === 0) return right;
  if (left instanceof MarginValue && left.kind === "exp" && right === 1)
    return new MarginValue("one_plus_exp", left.margin);
  if (right instanceof MarginValue && right.kind === "exp" && left === 1)
    return new MarginValue("one_plus_exp", right.margin);
  if (isOfOneColumn(left, right))
    return functionOf([left, right], ([a, b]) => round(Number(a) + Number(b)), "Add");
  return addSums(toSum(left, "Add"), toSum(right, "Add"));
}

export function subtract(left: Element, right: Element, round: Round): Element {
  if (left === 1 && right instanceof MarginValue && right.kind === "logistic")
    return new MarginValue("logistic", negate(right.margin));
  const logSoftmax = subtractLogSum(left, right);
  if (logSoftmax) return logSoftmax;
  if (isOfOneColumn(left, right))
    return functionOf([left, right], ([a, b]) => round(Number(a) - Number(b)), "Sub");
  return addSums(toSum(left, "Sub"), scale(toSum(right, "Sub"), -1));
}

export function multiply(left: Element, right: Element, round: Round): Element {
  if (typeof right === "number") return multiplyBy(left, right, round);
  if (typeof left === "number") return multiplyBy(right, left, round);
  return functionOf([left, right], ([a, b]) => round(Number(a) * Number(b)), "Mul");
}

function multiplyBy(element: Element, factor: number, round: Round): Element {
  if (typeof element === "number") return round(element * factor);
  if (element instanceof WeightedSum) return scale(element, factor);
  // Exporters make constants of a column so, as long as a row is.
  if (element instanceof ColumnValue && factor === 0) return 0;
  if (isLinked(element)) {
    if (factor === 1) return element;
    if (element instanceof MarginValue && element.kind === "exp" && factor > 0)
      return new MarginValue("exp", addToMargin(element.margin, Math.log(factor)));
  }
  return functionOf([element], ([a]) => round(Number(a) * factor), "Mul");
}

export function divide(left: Element, right: Element, round: Round): Element {
  if (typeof right === "number" && right !== 0) {
    if (left instanceof WeightedSum) return scale(left, 1 / right);
    if (isLinked(left)) return multiplyBy(left, 1 / right, round);
  }
  if (left === 1 && right instanceof MarginValue && right.kind === "one_plus_exp")
    return new MarginValue("logistic", negate(right.margin));
  if (right instanceof GroupValue && right.kind === "total") {
    const index = right.group.indexOf(left);
    if (index >= 0) return new GroupValue("share", right.group, index);
  }
  return functionOf([left, right], ([a, b]) => round(Number(a) / Number(b)), "Div");
}

export function negate(margin: Margin): Margin {
  if (typeof margin === "number") return -margin;
  if (margin instanceof WeightedSum) return scale(margin, -1);
  return functionOf([margin], ([value]) => -Number(value), "Neg") as Margin;
}

/** The element as an argument of a function that makes a probability. */
export function toMargin(element: Element, name: string): Margin {
  return isLinked(element) ? toColumnValue(element, name) : element;
}

function addToMargin(margin: Margin, constant: number): Margin {
  return addSums(toSum(margin, "Mul"), new WeightedSum([], new Float64Array(), constant));
}

/**
 * An element as a weighted sum.
 * @throws UnexplainableError where it is none
 */
export function toSum(element: Element, name: string): WeightedSum {
  if (typeof element === "number") return new WeightedSum([], new Float64Array(), element);
  if (typeof element === "string")
    throw new UnexplainableError(`the model's operator ${name} computes with a text`);
  if (element instanceof WeightedSum) return element;
  if (element instanceof ColumnValue) return new WeightedSum([element], Float64Array.of(1), 0);
  const value = toColumnValue(element, name);
  return toSum(value, name);
}

export function scale(sum: WeightedSum, factor: number): WeightedSum {
  const weights = sum.weights.map((weight) => weight * factor);
  return new WeightedSum(sum.atoms, weights, sum.constant * factor);
}

export function addSums(left: WeightedSum, right: WeightedSum): WeightedSum {
  const constant = left.constant + right.constant;
  if (right.atoms.length === 0) return new WeightedSum(left.atoms, left.weights, constant);
  if (left.atoms.length === 0) return new WeightedSum(right.atoms, right.weights, constant);
  if (left.atoms === right.atoms) {
    const weights = left.weights.map((weight, index) => weight + (right.weights[index] ?? 0));
    return new WeightedSum(left.atoms, weights, constant);
  }
  const weights = new Map<Atom, number>();
  for (const { atoms, weights: own } of [left, right])
    for (const [index, atom] of atoms.entries())
      weights.set(atom, (weights.get(atom) ?? 0) + (own[index] ?? 0));
  return new WeightedSum([...weights.keys()], Float64Array.from(weights.values()), constant);
}

/** x - log(sum(exp(group))), x being one of the group. */
function subtractLogSum(left: Element, right: Element): Element | undefined {
  if (!(right instanceof GroupValue) || right.kind !== "log_sum_exp") return undefined;
  const index = right.group.indexOf(left);
  if (index < 0) throw mixes("Sub");
  return new GroupValue("log_softmax", right.group, index);
}

function isOfOneColumn(left: Element, right: Element): boolean {
  if (left instanceof ColumnValue && right instanceof ColumnValue)
    return left.column === right.column;
  const isSimple = (element: Element): boolean =>
    typeof element !== "object" || element instanceof ColumnValue;
  return isSimple(left) && isSimple(right);
}

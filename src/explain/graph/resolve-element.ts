import { negate, scale, toSum } from "./arithmetic.ts";
import {
  ColumnValue,
  type Element,
  GroupValue,
  type Margin,
  MarginValue,
  UnexplainableError,
  WeightedSum,
} from "./element.ts";
import type { Link } from "./explainable-graph.ts";
import { sumOf } from "./linear-combination.ts";

/** An element of the model's output: a margin, and what makes the element of it. */
export interface ResolvedElement {
  readonly link: Link;
  readonly margin: Margin;
  /** Of links that need the margins of all elements of a group. */
  readonly group: readonly Element[] | undefined;
  readonly index: number;
}

/** @throws UnexplainableError for an element that no link makes */
export function resolveElement(element: Element): ResolvedElement {
  if (element instanceof MarginValue) {
    const { kind, margin } = element;
    if (kind === "one_plus_exp")
      throw new UnexplainableError("the model's output is 1 plus an exponential");
    return { link: kind, margin, group: undefined, index: -1 };
  }
  if (!(element instanceof GroupValue))
    return { link: "none", margin: element, group: undefined, index: -1 };
  const { kind, group, index } = element;
  switch (kind) {
    case "softmax":
    case "softmax_zero":
      return { link: kind, margin: marginOf(group[index]), group, index };
    case "share":
      return resolveShare(group, index);
    default:
      throw new UnexplainableError(`the model's output is a ${kind.replaceAll("_", " ")}`);
  }
}

/** One of the group's elements, divided by their sum. */
function resolveShare(group: readonly Element[], index: number): ResolvedElement {
  const parts = group.map(resolveElement);
  const own = parts[index] as ResolvedElement;
  const { link } = own;
  if (parts.some((part) => part.link !== link))
    throw new UnexplainableError("the model divides by a sum of different things");
  // What adds up to 1 stays as it is.
  if ((link === "softmax" || link === "one_vs_rest") && isWhole(parts, own.group)) return own;
  if (link === "logistic" && isComplement(parts)) return own;
  const margins = parts.map(({ margin }) => margin);
  if (link === "logistic")
    return { link: "one_vs_rest", margin: own.margin, group: margins, index };
  if (link === "exp") return { link: "softmax", margin: own.margin, group: margins, index };
  if (link === "none") return { ...own, margin: dividedBySum(margins, index) };
  throw new UnexplainableError(`the model divides by a sum of ${link} probabilities`);
}

function isWhole(
  parts: readonly ResolvedElement[],
  group: readonly Element[] | undefined,
): boolean {
  return (
    group?.length === parts.length &&
    parts.every((part, index) => part.group === group && part.index === index)
  );
}

/** Whether there are two margins, of which one is the other's opposite. */
function isComplement(parts: readonly ResolvedElement[]): boolean {
  const [first, second] = parts;
  if (!first || !second || parts.length !== 2) return false;
  return isSame(toSum(negate(first.margin), "Normalizer"), toSum(second.margin, "Normalizer"));
}

/** @throws UnexplainableError unless the sum is the same for all rows */
function dividedBySum(margins: readonly Margin[], index: number): Margin {
  const sum = sumOf(margins, "Normalizer");
  const total = sum instanceof WeightedSum && sum.weights.every(isNothing) ? sum.constant : sum;
  const own = margins[index] as Margin;
  if (typeof total !== "number" || !(total > 0))
    throw new UnexplainableError("the model divides by a sum over several columns");
  return own instanceof WeightedSum || own instanceof ColumnValue || typeof own === "number"
    ? scale(toSum(own, "Normalizer"), 1 / total)
    : own;
}

function isNothing(weight: number): boolean {
  return Math.abs(weight) < NOTHING;
}

/** Rounding of FP32 weights. */
const NOTHING = 1e-6;

export function isSame(left: WeightedSum, right: WeightedSum): boolean {
  if (left.atoms.length !== right.atoms.length) return false;
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= NOTHING * (1 + Math.abs(a));
  if (!near(left.constant, right.constant)) return false;
  return left.atoms.every(
    (atom, at) => atom === right.atoms[at] && near(left.weights[at] ?? 0, right.weights[at] ?? 0),
  );
}

/** @throws UnexplainableError */
function marginOf(element: Element | undefined): Margin {
  const resolved = element === undefined ? undefined : resolveElement(element);
  if (resolved?.link === "none") return resolved.margin;
  throw new UnexplainableError("the model makes probabilities of probabilities");
}

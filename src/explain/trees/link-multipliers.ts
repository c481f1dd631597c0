import { ApiError } from "../../domain/errors.ts";
import type { Link, Links } from "../graph/explainable-graph.ts";

/** Between two margins of neighbouring points no more than this. */
const STEP = 2;
const MAX_PIECES = 128;
/** Abscissas and weights of Gauss and Legendre for eight points in (-1, 1); they are symmetric. */
const POINTS = [0.1834346424956498, 0.525532409916329, 0.7966664774136267, 0.9602898564975363];
const WEIGHTS = [0.362683783378362, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763];

/** The outputs of a model, of the margins of its outputs. @throws ApiError for a link without probabilities */
export function applyLink(link: Link, margins: Float64Array): Float64Array {
  switch (link) {
    case "none":
      return margins;
    case "logistic":
      return margins.map(logistic);
    case "exp":
      return margins.map(Math.exp);
    case "softmax": {
      const greatest = margins.reduce((one, other) => Math.max(one, other), -Infinity);
      const powers = margins.map((margin) => Math.exp(margin - greatest));
      const sum = powers.reduce((one, other) => one + other, 0);
      return powers.map((power) => power / sum);
    }
    case "one_vs_rest": {
      const each = margins.map(logistic);
      const sum = each.reduce((one, other) => one + other, 0);
      return each.map((value) => value / sum);
    }
    default:
      throw new ApiError(
        "invalid_request",
        `The model's trees are followed by ${link.toUpperCase()}, whose results are not explained; "space" can be "margin".`,
      );
  }
}

/** The margins of all outputs, of the scores of the targets. */
export function marginsOf({ outputs }: Links, scores: Float64Array): Float64Array {
  return Float64Array.from(
    outputs,
    ({ target, sign, offset }) => offset + sign * (scores[target] ?? 0),
  );
}

/** Whether an output depends on the margins of other outputs. */
export function isJoint(link: Link): boolean {
  return link === "softmax" || link === "one_vs_rest";
}

/**
 * What one unit of each margin adds to an output between two rows, so that these numbers times the differences of the margins
 * add up to the difference of the output. Of one margin it is the slope between the rows, as in Python's `shap`; of several
 * the mean gradient on the straight way between them (Aumann and Shapley).
 * @param output whose probability is explained
 */
export function multipliersOf(
  link: Link,
  output: number,
  from: Float64Array,
  to: Float64Array,
): Float64Array {
  const multipliers = new Float64Array(from.length);
  if (!isJoint(link)) {
    const [start, end] = [from[output] ?? 0, to[output] ?? 0];
    const change = (applyLink(link, to)[output] ?? 0) - (applyLink(link, from)[output] ?? 0);
    // shap leaves the values as they are where the margins are the same.
    multipliers[output] = start === end ? 1 : change / (end - start);
    return multipliers;
  }
  let distance = 0;
  for (let at = 0; at < from.length; at++)
    distance = Math.max(distance, Math.abs((to[at] ?? 0) - (from[at] ?? 0)));
  const pieces = Math.max(1, Math.min(MAX_PIECES, Math.ceil(distance / STEP)));
  for (let piece = 0; piece < pieces; piece++)
    for (let point = 0; point < 2 * POINTS.length; point++) {
      const side = point % 2 === 0 ? 1 : -1;
      const offset = side * (POINTS[point >> 1] ?? 0);
      const share = (piece + (1 + offset) / 2) / pieces;
      const weight = (WEIGHTS[point >> 1] ?? 0) / (2 * pieces);
      addGradient(link, output, mix(from, to, share), weight, multipliers);
    }
  return multipliers;
}

function mix(from: Float64Array, to: Float64Array, share: number): Float64Array {
  return from.map((start, at) => start + share * ((to[at] ?? 0) - start));
}

function addGradient(
  link: Link,
  output: number,
  margins: Float64Array,
  weight: number,
  into: Float64Array,
): void {
  const probabilities = applyLink(link, margins);
  const own = probabilities[output] ?? 0;
  const each = link === "one_vs_rest" ? margins.map(logistic) : undefined;
  const sum = each?.reduce((one, other) => one + other, 0) ?? 1;
  for (let at = 0; at < margins.length; at++) {
    const one = each?.[at] ?? 0;
    const slope = each ? (one * (1 - one)) / sum : (probabilities[at] ?? 0);
    const change = each
      ? slope * ((at === output ? 1 : 0) - own)
      : own * ((at === output ? 1 : 0) - slope);
    into[at] = (into[at] ?? 0) + weight * change;
  }
}

function logistic(margin: number): number {
  return 1 / (1 + Math.exp(-margin));
}

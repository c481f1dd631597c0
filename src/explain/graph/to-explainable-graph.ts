import { negate, subtract, toSum } from "./arithmetic.ts";
import { createColumnProgram } from "./column-program.ts";
import {
  type Atom,
  type Cell,
  ColumnValue,
  type Element,
  ForestScore,
  UnexplainableError,
  type WeightedSum,
} from "./element.ts";
import type { ExplainableGraph, LinearHead, Link, Links, Score } from "./explainable-graph.ts";
import { combineForests } from "./forest-head.ts";
import { isSame, type ResolvedElement, resolveElement } from "./resolve-element.ts";
import type { Value } from "./value.ts";

/** What of the version's answers is beside the graph. */
export interface OutputUse {
  /** Whether the outputs are scores of labels. */
  readonly isClassifier: boolean;
  /** How many labels there are. */
  readonly labels: number;
}

/** Weights of linear heads: 32 MB. */
const MAX_WEIGHTS = 4_000_000;

/**
 * The columns and the head that make an output.
 * @param value of the output, with what is applied to it
 * @param columns of a row of the input
 * @throws UnexplainableError
 */
export function toExplainableGraph(
  value: Value,
  columns: number,
  use: OutputUse,
): ExplainableGraph {
  if (value.rowsAxis < 0) throw new UnexplainableError("the model's output is a constant");
  const elements = bothClasses(Array.from(value.elements), use);
  const resolved = elements.map(resolveElement);
  const link = commonLink(resolved);
  const sums = resolved.map(({ margin }) => toSum(margin, "output"));
  const { targets, scores } = shareTargets(sums);
  const isForest = targets.some(({ atoms }) => atoms.some((atom) => atom instanceof ForestScore));
  const links: Links = { outputs: scores, link, probabilities: false };
  if (!isForest) {
    const { features, head } = linearHead(targets, links);
    return { columns: createColumnProgram(features, columns), head };
  }
  const { forest, features } = combineForests(targets);
  const probabilities =
    use.isClassifier &&
    link === "none" &&
    scores.length > 1 &&
    forest.weight.every((weight) => weight >= 0);
  return {
    columns: createColumnProgram(features, columns),
    head: { kind: "forest", forest, links: { ...links, probabilities } },
  };
}

/** A binary model may return the probability of its second label only. */
function bothClasses(elements: readonly Element[], use: OutputUse): readonly Element[] {
  const [score] = elements;
  if (!use.isClassifier || elements.length !== 1 || use.labels !== 2 || score === undefined)
    return elements;
  return [subtract(1, score, Math.fround), score];
}

/** @throws UnexplainableError where elements are made in different ways, or are some of a group */
function commonLink(resolved: readonly ResolvedElement[]): Link {
  const [first] = resolved;
  if (!first) throw new UnexplainableError("the model's output is empty");
  const { link, group } = first;
  for (const [index, element] of resolved.entries()) {
    if (element.link !== link)
      throw new UnexplainableError(
        `the model's output has scores of the kinds ${link} and ${element.link}`,
      );
    const isOne = group ? isOfGroup(element, first, index) : element.group === undefined;
    if (!isOne)
      throw new UnexplainableError("the model's output has some of several probabilities");
  }
  if (group && group.length !== resolved.length)
    throw new UnexplainableError("the model's output has some of several probabilities");
  return link;
}

/** Shares of one sum have groups of the same margins each. */
function isOfGroup(element: ResolvedElement, first: ResolvedElement, index: number): boolean {
  const { group } = element;
  if (element.index !== index || !group || !first.group) return false;
  if (group === first.group) return true;
  return group.length === first.group.length && group.every((one, at) => one === first.group?.[at]);
}

/** Of two outputs of which one is the other's opposite, one is computed. */
function shareTargets(sums: readonly WeightedSum[]): {
  readonly targets: readonly WeightedSum[];
  readonly scores: readonly Score[];
} {
  const [first, second] = sums;
  if (first && second && sums.length === 2) {
    const opposite = toSum(negate(first), "output");
    const offset = first.constant + second.constant;
    const shifted = { ...second, constant: opposite.constant } as WeightedSum;
    if (isSame(opposite, shifted))
      return {
        targets: [second],
        scores: [
          { target: 0, sign: -1, offset },
          { target: 0, sign: 1, offset: 0 },
        ],
      };
  }
  return {
    targets: sums,
    scores: sums.map((_, target) => ({ target, sign: 1, offset: 0 })),
  };
}

/** @throws UnexplainableError for too many weights */
function linearHead(
  targets: readonly WeightedSum[],
  links: Links,
): { readonly features: readonly (Cell | ColumnValue)[]; readonly head: LinearHead } {
  const places = new Map<Atom, number>();
  for (const { atoms } of targets)
    for (const atom of atoms) if (!places.has(atom)) places.set(atom, places.size);
  if (places.size * targets.length > MAX_WEIGHTS)
    throw new UnexplainableError(
      `the model has ${places.size} features for ${targets.length} scores, more than are followed`,
    );
  const weights = new Float64Array(places.size * targets.length);
  for (const [target, { atoms, weights: own }] of targets.entries())
    for (const [at, atom] of atoms.entries()) {
      const place = (places.get(atom) ?? 0) * targets.length + target;
      (weights[place] as number) += own[at] ?? 0;
    }
  const intercepts = Float64Array.from(targets, ({ constant }) => constant);
  const features = [...places.keys()].filter((atom) => atom instanceof ColumnValue);
  return {
    features,
    head: { kind: "linear", targets: targets.length, weights, intercepts, links },
  };
}

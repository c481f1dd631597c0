import { type Forest, MAX_FOREST_NODES, MODE } from "../trees/forest.ts";
import {
  type Cell,
  type ColumnValue,
  ForestScore,
  UnexplainableError,
  type WeightedSum,
} from "./element.ts";
import { ForestPart } from "./forest-part.ts";

/** The forest whose scores are sums over the trees of one or several nodes of a graph, and what it reads. */
export interface CombinedForest {
  readonly forest: Forest;
  readonly features: readonly (Cell | ColumnValue)[];
}

/**
 * Makes one forest of sums of scores.
 * @param sums one for each target
 * @throws UnexplainableError for sums that have something else than trees
 */
export function combineForests(sums: readonly WeightedSum[]): CombinedForest {
  const parts = new Set<ForestPart>();
  for (const { atoms } of sums)
    for (const atom of atoms) {
      if (!(atom instanceof ForestScore) || !(atom.forest instanceof ForestPart))
        throw new UnexplainableError("the model adds scores of trees and columns");
      parts.add(atom.forest);
    }
  const [only] = parts;
  return (only && parts.size === 1 && asItIs(only, sums)) || merge([...parts], sums);
}

/** The trees of one node, where each sum is another one of their targets. */
function asItIs(part: ForestPart, sums: readonly WeightedSum[]): CombinedForest | undefined {
  const scale = sums[0]?.weights[0] ?? 1;
  const isPlain =
    sums.length === part.forest.targets &&
    sums.every(({ atoms: [atom], atoms, weights }, target) => {
      const isOwn = atom instanceof ForestScore && atom.target === target;
      return isOwn && atoms.length === 1 && weights[0] === scale;
    });
  if (!isPlain) return undefined;
  const baseValues = Float64Array.from(sums, ({ constant }) => constant);
  return { forest: { ...part.forest, scale, baseValues }, features: part.features };
}

/** The trees of all parts one after the other; their weights are those of the sums. */
function merge(parts: readonly ForestPart[], sums: readonly WeightedSum[]): CombinedForest {
  const nodes = total(parts, ({ forest }) => forest.feature.length);
  if (nodes > MAX_FOREST_NODES)
    throw new UnexplainableError(
      `the model's forests have ${nodes} nodes, and up to ${MAX_FOREST_NODES} are explained from their trees`,
    );
  const roots = new Int32Array(total(parts, ({ forest }) => forest.roots.length));
  const feature = new Int32Array(nodes);
  const mode = new Uint8Array(nodes);
  const threshold = new Float64Array(nodes);
  const whenTrue = new Int32Array(nodes);
  const whenFalse = new Int32Array(nodes);
  const missingTrue = new Uint8Array(nodes);
  const members: Float64Array[] = [];
  const features: (Cell | ColumnValue)[] = [];
  const places = new Map<Cell | ColumnValue, number>();
  const weightTarget: number[] = [];
  const weight: number[] = [];
  let [node, root] = [0, 0];
  for (const part of parts) {
    const { forest } = part;
    const own = part.features.map((value) => {
      const known = places.get(value);
      if (known !== undefined) return known;
      places.set(value, features.length);
      return features.push(value) - 1;
    });
    const factors = factorsOf(part, sums);
    for (const start of forest.roots) roots[root++] = start + node;
    for (let at = 0; at < forest.feature.length; at++) {
      const place = node + at;
      const reads = forest.feature[at] as number;
      mode[place] = forest.mode[at] as number;
      missingTrue[place] = forest.missingTrue?.[at] ?? 0;
      if (reads >= 0) {
        feature[place] = own[reads] ?? features.length;
        const set = mode[place] === MODE.member ? members.length : 0;
        threshold[place] = (forest.threshold[at] as number) + set;
        whenTrue[place] = (forest.whenTrue[at] as number) + node;
        whenFalse[place] = (forest.whenFalse[at] as number) + node;
        continue;
      }
      feature[place] = -1;
      whenTrue[place] = weight.length;
      const end = forest.whenFalse[at] as number;
      for (let index = forest.whenTrue[at] as number; index < end; index++)
        for (const { target, factor } of factors[forest.weightTarget[index] as number] ?? []) {
          weightTarget.push(target);
          weight.push((forest.weight[index] as number) * factor);
        }
      whenFalse[place] = weight.length;
    }
    members.push(...forest.members);
    node += forest.feature.length;
  }
  const forest: Forest = {
    targets: sums.length,
    features: features.length,
    roots,
    feature,
    mode,
    threshold,
    members,
    whenTrue,
    whenFalse,
    missingTrue: missingTrue.includes(1) ? missingTrue : undefined,
    covers: mergeCovers(parts),
    weightTarget: Int32Array.from(weightTarget),
    weight: Float64Array.from(weight),
    scale: 1,
    baseValues: Float64Array.from(sums, ({ constant }) => constant),
  };
  return { forest, features };
}

/** By target of the part: which sums have it, and how often. */
function factorsOf(
  part: ForestPart,
  sums: readonly WeightedSum[],
): { readonly target: number; readonly factor: number }[][] {
  const factors = Array.from(
    { length: part.forest.targets },
    (): { readonly target: number; readonly factor: number }[] => [],
  );
  for (const [target, { atoms, weights }] of sums.entries())
    for (const [index, atom] of atoms.entries())
      if (atom instanceof ForestScore && atom.forest === part)
        factors[atom.target]?.push({ target, factor: weights[index] ?? 0 });
  return factors;
}

function mergeCovers(parts: readonly ForestPart[]): Float64Array | undefined {
  const covers: number[] = [];
  for (const { forest } of parts) {
    if (!forest.covers) return undefined;
    for (const cover of forest.covers) covers.push(cover);
  }
  return Float64Array.from(covers);
}

function total(parts: readonly ForestPart[], count: (part: ForestPart) => number): number {
  return parts.reduce((sum, part) => sum + count(part), 0);
}

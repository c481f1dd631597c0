/** How a compiled node compares its feature `v` with its threshold `t`; each other comparison is one of these with its branches exchanged. */
export const LEQ = 0;
export const EQ = 2;
export const MEMBER = 4;
/** Added to the kind of a node: a missing value takes the first branch. */
export const MISSING_FIRST = 1;

/**
 * A forest that has been checked, in the form that explanations read. For a node, `first` is the next one where its comparison
 * holds and `second` where not; for a leaf they are the range of its weights.
 */
export interface CompiledForest {
  readonly targets: number;
  readonly roots: Int32Array;
  /** By node; -1 for a leaf. */
  readonly feature: Int32Array;
  readonly kind: Uint8Array;
  readonly threshold: Float64Array;
  readonly members: readonly ReadonlySet<number>[];
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** Scaled as the forest aggregates them. */
  readonly weight: Float64Array;
  readonly weightTarget: Int32Array;
  readonly baseValues: Float64Array;
  /** By node; `undefined` unless every node has as many rows as its branches together. */
  readonly covers: Float64Array | undefined;
  /** By tree: the only target that its leaves add to, or -1. */
  readonly treeTarget: Int32Array;
  /** By tree. */
  readonly treeNodes: Int32Array;
  /** By feature: the column (player) that it is made of; `columns` for constants. */
  readonly columnOf: Int32Array;
  /** Players. */
  readonly columns: number;
  readonly depth: number;
  /** Columns of the longest path, at most. */
  readonly pathColumns: number;
  /** Whether all comparisons are `LEQ`. */
  readonly isPlain: boolean;
}

/** What a forest reads of one row, in the precision that the model compares. */
export type Features = Float64Array;

export function holds(forest: CompiledForest, node: number, value: number): boolean {
  const kind = forest.kind[node] as number;
  if (Number.isNaN(value) && (kind & MISSING_FIRST) !== 0) return true;
  const threshold = forest.threshold[node] as number;
  if (kind < EQ) return value <= threshold;
  if (kind < MEMBER) return value === threshold;
  return forest.members[threshold]?.has(value) ?? false;
}

/** @returns the node after an inner one */
export function stepOf(forest: CompiledForest, node: number, features: Features): number {
  const value = features[forest.feature[node] as number] as number;
  const next = holds(forest, node, value) ? forest.first : forest.second;
  return next[node] as number;
}

/** The scores of a row: base values, and the weights of the leaves that it reaches; `targets` numbers. */
export function scoresOf(forest: CompiledForest, features: Features): Float64Array {
  const { roots, feature, first, second, weight, weightTarget } = forest;
  const sums = Float64Array.from(forest.baseValues);
  for (let tree = 0; tree < roots.length; tree++) {
    let node = roots[tree] as number;
    while ((feature[node] as number) >= 0) node = stepOf(forest, node, features);
    const end = second[node] as number;
    for (let at = first[node] as number; at < end; at++) {
      const target = weightTarget[at] as number;
      sums[target] = (sums[target] as number) + (weight[at] as number);
    }
  }
  return sums;
}

/** How a node compares: the codes of `nodes_modes` of `TreeEnsemble`. */
export const MODE = { leq: 0, lt: 1, gte: 2, gt: 3, eq: 4, neq: 5, member: 6 } as const;

/** Nodes and leaves of one forest; more of them take too much of an isolate's memory (about 35 bytes each). */
export const MAX_FOREST_NODES = 1_500_000;

/**
 * The trees of a `TreeEnsembleRegressor`, `TreeEnsembleClassifier` or `TreeEnsemble`, as their attributes list them: nodes and
 * leaves of all trees have one numbering.
 * Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.TreeEnsemble
 */
export interface Forest {
  /** Sums that it computes. */
  readonly targets: number;
  /** Numbers that it reads of each row. */
  readonly features: number;
  /** The first node of each tree. */
  readonly roots: Int32Array;
  /** By node; -1 for a leaf. */
  readonly feature: Int32Array;
  /** By node: {@link MODE}. */
  readonly mode: Uint8Array;
  /** By node: what the feature is compared with; for `member` the place of its set in `members`. */
  readonly threshold: Float64Array;
  readonly members: readonly Float64Array[];
  /** By node: the next one where the comparison is true; for a leaf where its weights start. */
  readonly whenTrue: Int32Array;
  /** By node: the next one where it is false; for a leaf where its weights end. */
  readonly whenFalse: Int32Array;
  /** By node: 1 where a missing value counts as true. */
  readonly missingTrue?: Uint8Array | undefined;
  /** By node: how many rows of the training data reached it. */
  readonly covers?: Float64Array | undefined;
  /** What leaves add, leaf by leaf. */
  readonly weightTarget: Int32Array;
  readonly weight: Float64Array;
  /** What the sums are multiplied by: 1 for `SUM`, 1 by the number of trees for `AVERAGE`. */
  readonly scale: number;
  /** By target: what is added in the end. */
  readonly baseValues: Float64Array;
}

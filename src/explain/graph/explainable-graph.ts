import type { Forest } from "../trees/forest.ts";

/**
 * A model whose values can be computed from its graph alone: features that each depend on one column of the input, and a
 * head that scores them.
 */
export interface ExplainableGraph {
  readonly columns: ColumnProgram;
  readonly head: LinearHead | ForestHead;
}

/** A model of another kind. */
export interface UnexplainableGraph {
  /** A clause: "the model has ...". */
  readonly reason: string;
}

/** Makes features of the rows that the model gets. */
export interface ColumnProgram {
  /** Of a row of the model's input. */
  readonly columns: number;
  /** Of a row that the head reads. */
  readonly features: number;
  /** Feature by feature: the only column that it depends on; -1 for one that is constant. */
  readonly columnOf: Int32Array;
  /** Whether the features are the columns, in their order. */
  readonly isIdentity: boolean;
  /**
   * Rounds as the engine does, so that a comparison with a threshold has the same result.
   * @param row `columns` numbers; NaN is a missing value
   * @param into `features` numbers
   */
  compute(row: ArrayLike<number>, into: Float64Array): void;
}

/** Scores are `features * weights + intercepts`. */
export interface LinearHead {
  readonly kind: "linear";
  readonly targets: number;
  /** Feature by feature: `features` times `targets`. */
  readonly weights: Float64Array;
  /** One a target. */
  readonly intercepts: Float64Array;
  readonly links: Links;
}

/** Scores are sums over trees. */
export interface ForestHead {
  readonly kind: "forest";
  readonly forest: Forest;
  readonly links: Links;
}

/**
 * - `none`: the output is the margin.
 * - `logistic`: each output is 1 / (1 + exp(-margin)).
 * - `softmax`: over the margins of all outputs; `softmax_zero` leaves margins of 0 at 0.
 * - `probit`: the quantile of the normal distribution at the margin, as ONNX Runtime computes it.
 * - `one_vs_rest`: logistic, divided by the sum over all outputs.
 * - `exp`: of a regression of counts.
 */
export type Link =
  | "none"
  | "logistic"
  | "softmax"
  | "softmax_zero"
  | "probit"
  | "one_vs_rest"
  | "exp";

/** How the scores of a head become the model's output. */
export interface Links {
  /** The elements of a row of the output, in their order: classes of a classifier, targets of a regression. */
  readonly outputs: readonly Score[];
  /** What turns the margins of `outputs` into the output. */
  readonly link: Link;
  /** Whether the margins are probabilities already, as those of a random forest. */
  readonly probabilities: boolean;
}

/** The margin of an output: `offset + sign * score` of one target of the head. Two classes may share a target. */
export interface Score {
  readonly target: number;
  readonly sign: 1 | -1;
  readonly offset: number;
}

/**
 * What an element of a value of a graph is, in any row: a constant; a function of one column of the input; a weighted sum of
 * such functions, or of the scores of a forest; or a probability that is made of these.
 */
export type Element = Cell | ColumnValue | WeightedSum | LinkedValue;

/** A number (a boolean is 0 or 1) or a text. */
export type Cell = number | string;

/** A function of one column. */
export class ColumnValue {
  readonly column: number;
  readonly compute: (value: number) => Cell;
  /** How many functions it calls. */
  readonly cost: number;

  constructor(column: number, compute: (value: number) => Cell, cost: number) {
    this.column = column;
    this.compute = compute;
    this.cost = cost;
  }

  /** Whether it is the column itself. */
  get isColumn(): boolean {
    return this.cost === 0;
  }
}

/** What the trees of a node of the graph add up to for one of their targets. */
export class ForestScore {
  readonly forest: object;
  readonly target: number;

  constructor(forest: object, target: number) {
    this.forest = forest;
    this.target = target;
  }
}

export type Atom = ColumnValue | ForestScore;

/** `constant` plus the sum of `weights` times `atoms`. */
export class WeightedSum {
  readonly atoms: readonly Atom[];
  readonly weights: Float64Array;
  readonly constant: number;

  constructor(atoms: readonly Atom[], weights: Float64Array, constant: number) {
    this.atoms = atoms;
    this.weights = weights;
    this.constant = constant;
  }
}

/** What is a function of a sum. */
export type Margin = Cell | ColumnValue | WeightedSum;

/**
 * A function of one margin, or one of a group of elements:
 * - `exp`, `one_plus_exp`, `logistic`, `probit` of a margin
 * - `softmax`, `softmax_zero`, `log_softmax`: one of those of all margins of the group
 * - `log_sum_exp`: of all margins of the group
 * - `share`: one of the group's elements, divided by their sum
 * - `total`: the sum of the group's elements
 */
export type LinkedValue = MarginValue | GroupValue;

export class MarginValue {
  readonly kind: "exp" | "one_plus_exp" | "logistic" | "probit";
  readonly margin: Margin;

  constructor(kind: MarginValue["kind"], margin: Margin) {
    this.kind = kind;
    this.margin = margin;
  }
}

export class GroupValue {
  readonly kind: "softmax" | "softmax_zero" | "log_softmax" | "log_sum_exp" | "share" | "total";
  readonly group: readonly Element[];
  /** Which of the group; -1 where it is all of them. */
  readonly index: number;

  constructor(kind: GroupValue["kind"], group: readonly Element[], index: number) {
    this.kind = kind;
    this.group = group;
    this.index = index;
  }
}

/** The graph is not of the kind that can be explained without running it. The message is a clause that says why. */
export class UnexplainableError extends Error {
  override readonly name = "UnexplainableError";
}

export function isLinked(element: Element): element is LinkedValue {
  return element instanceof MarginValue || element instanceof GroupValue;
}

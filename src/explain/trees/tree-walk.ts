import { type CompiledForest, type Features, holds } from "./compiled-forest.ts";
import { createShapleyWeights, type ShapleyWeights } from "./shapley-weights.ts";

/** Whose value a column has on the way to a node. */
const FROM_EITHER = 0;
const FROM_ROW = 1;
const FROM_BACKGROUND = 2;

/**
 * Walks to all leaves that a mixture of two rows reaches: where they part, first with the explained row's value of the column
 * and then with the background row's. What it needs on the way is allocated once.
 */
export class TreeWalk {
  readonly #forest: CompiledForest;
  readonly #weights: ShapleyWeights;
  /** By column. */
  readonly #origin: Uint8Array;
  /** By column in which the rows have parted on the way: the column, the other branch, and what the first one gave. */
  readonly #columns: Int32Array;
  readonly #others: Int32Array;
  readonly #gains: Float64Array;
  readonly #losses: Float64Array;
  /** Nodes and leaves, until now. */
  visited = 0;

  constructor(forest: CompiledForest) {
    this.#forest = forest;
    this.#weights = createShapleyWeights(forest.pathColumns);
    this.#origin = new Uint8Array(forest.columns + 1);
    this.#columns = new Int32Array(forest.pathColumns + 1);
    this.#others = new Int32Array(forest.pathColumns + 1);
    this.#gains = new Float64Array(forest.pathColumns + 1);
    this.#losses = new Float64Array(forest.pathColumns + 1);
  }

  /**
   * Adds the Shapley values of one tree for one target, with background rows in place of unknown columns.
   * @param start the first background row
   * @param values by background row, by column; the place after the last column is for constants, and stays 0
   * @param work when so many nodes have been visited, it stops after a row
   * @returns the background row to go on with
   */
  add(
    root: number,
    target: number,
    row: Features,
    background: readonly Features[],
    start: number,
    values: readonly Float64Array[],
    work: number,
  ): number {
    const forest = this.#forest;
    const { feature, threshold, first, second, columnOf, kind, isPlain } = forest;
    const { weight, weightTarget } = forest;
    const weights = this.#weights;
    const { table, stride } = weights;
    const origin = this.#origin;
    const columns = this.#columns;
    const others = this.#others;
    const gains = this.#gains;
    const losses = this.#losses;
    const before = this.visited;
    let visited = 0;
    let current = start;
    for (; current < background.length && visited < work; current++) {
      const other = background[current] as Features;
      const sums = values[current] as Float64Array;
      let present = 0;
      let absent = 0;
      let parted = 0;
      let node = root;
      do {
        let index = feature[node] as number;
        while (index >= 0) {
          visited += 1;
          const column = columnOf[index] as number;
          const value = row[index] as number;
          const otherValue = other[index] as number;
          let goes: boolean;
          let otherGoes: boolean;
          if (isPlain) {
            const bound = threshold[node] as number;
            goes = value <= bound || (Number.isNaN(value) && kind[node] !== 0);
            otherGoes = otherValue <= bound || (Number.isNaN(otherValue) && kind[node] !== 0);
          } else {
            goes = holds(forest, node, value);
            otherGoes = holds(forest, node, otherValue);
          }
          const from = origin[column] as number;
          if (from === FROM_BACKGROUND) goes = otherGoes;
          else if (from === FROM_EITHER && goes !== otherGoes) {
            origin[column] = FROM_ROW;
            columns[parted] = column;
            others[parted] = (otherGoes ? first[node] : second[node]) as number;
            parted += 1;
            present += 1;
          }
          node = (goes ? first[node] : second[node]) as number;
          index = feature[node] as number;
        }
        visited += 1;
        if (parted === 0) break;
        let added = 0;
        const end = second[node] as number;
        for (let at = first[node] as number; at < end; at++)
          if (weightTarget[at] === target) added += weight[at] as number;
        let gain = 0;
        let loss = 0;
        if (parted < stride) {
          // Of no columns it is 0.
          gain = added * (table[present * stride + absent] as number);
          loss = added * (table[absent * stride + present] as number);
        } else {
          if (present > 0) gain = added * weights.weight(present, absent);
          if (absent > 0) loss = added * weights.weight(absent, present);
        }
        // Back to where a column still has to get the background's value.
        while (parted > 0) {
          const last = parted - 1;
          const column = columns[last] as number;
          if (origin[column] === FROM_ROW) {
            gains[last] = gain;
            losses[last] = loss;
            origin[column] = FROM_BACKGROUND;
            present -= 1;
            absent += 1;
            node = others[last] as number;
            break;
          }
          sums[column] = (sums[column] as number) + (gains[last] as number) - loss;
          gain += gains[last] as number;
          loss += losses[last] as number;
          origin[column] = FROM_EITHER;
          absent -= 1;
          parted = last;
        }
      } while (parted > 0);
    }
    this.visited = before + visited;
    return current;
  }
}

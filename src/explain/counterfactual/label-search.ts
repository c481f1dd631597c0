import type { TableModel } from "../table/table-model.ts";
import type { TableOutputs } from "../table/table-outputs.ts";

/** What the model says of a row that was tried. */
export interface TriedRow {
  readonly row: Float64Array;
  /** The index of the label. */
  readonly label: number;
  /** How far a wanted label is ahead of all others; of rows with a wanted label it is not negative. */
  readonly lead: number;
  readonly isWanted: boolean;
  readonly values: Float64Array;
}

/** Tries rows within a number of runs. */
export class LabelSearch {
  readonly #model: TableModel;
  readonly #outputs: TableOutputs;
  readonly #isWanted: (label: number) => boolean;
  /** Of clusters, the nearest is the label. */
  readonly #sign: 1 | -1;
  #left: number;
  #runs = 0;

  constructor(
    model: TableModel,
    outputs: TableOutputs,
    isWanted: (label: number) => boolean,
    { isDistance, maxRuns }: { readonly isDistance: boolean; readonly maxRuns: number },
  ) {
    this.#model = model;
    this.#outputs = outputs;
    this.#isWanted = isWanted;
    this.#sign = isDistance ? -1 : 1;
    this.#left = maxRuns;
  }

  get runs(): number {
    return this.#runs;
  }

  /** Whether rows were left out, since there are no runs any more. */
  isExhausted = false;

  /** The first ones of the rows, as many as there may be. */
  async try(rows: readonly Float64Array[]): Promise<TriedRow[]> {
    const some = rows.slice(0, this.#left);
    if (some.length < rows.length) this.isExhausted = true;
    const [first] = some;
    if (!first) return [];
    this.#left -= some.length;
    this.#runs += some.length;
    const matrix = new Float64Array(some.length * first.length);
    for (const [index, row] of some.entries()) matrix.set(row, index * row.length);
    const { values, width } = await this.#model.predict(matrix, some.length);
    return some.map((row, index) =>
      this.#judge(row, values.slice(index * width, (index + 1) * width)),
    );
  }

  #judge(row: Float64Array, values: Float64Array): TriedRow {
    const best = { wanted: -Infinity, other: -Infinity };
    for (const [label, value] of values.entries()) {
      const key = this.#isWanted(label) ? "wanted" : "other";
      best[key] = Math.max(best[key], this.#sign * value);
    }
    const label = this.#outputs.predicted(values);
    return { row, label, lead: best.wanted - best.other, isWanted: this.#isWanted(label), values };
  }
}

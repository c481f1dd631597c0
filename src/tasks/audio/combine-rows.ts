/** Combines the rows of the windows of a recording into one. */
export class CombinedRows {
  readonly #isMean: boolean;
  #row: Float64Array | undefined;
  #count = 0;

  constructor(aggregation: "mean" | "max") {
    this.#isMean = aggregation === "mean";
  }

  add(row: Float64Array): void {
    this.#count += 1;
    if (!this.#row) {
      this.#row = row.slice();
      return;
    }
    for (let at = 0; at < row.length; at++) {
      const [before, value] = [this.#row[at] as number, row[at] as number];
      this.#row[at] = this.#isMean ? before + value : Math.max(before, value);
    }
  }

  /** There must be at least one row. */
  result(): Float64Array {
    const row = this.#row ?? new Float64Array(0);
    return this.#isMean ? row.map((sum) => sum / this.#count) : row;
  }
}

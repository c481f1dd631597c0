/** What is known of the points of a map by the values of masks. */
export interface RiseMap {
  /** Point by point, a value for each output: how much higher it is where the point is shown. */
  readonly values: Float64Array;
  readonly standardErrors: Float64Array;
}

/** Masks, as far as they show the points of a map, with their values. */
export class RiseSamples {
  readonly #points: number;
  readonly #outputs: number;
  readonly #shown: Float32Array[] = [];
  readonly #values: Float64Array[] = [];

  constructor(points: number, outputs: number) {
    this.#points = points;
    this.#outputs = outputs;
  }

  get count(): number {
    return this.#values.length;
  }

  /** @param shown by point, from 0 to 1 */
  add(shown: Float32Array, values: Float64Array): void {
    this.#shown.push(shown);
    this.#values.push(values);
  }

  /** The map of all samples, or of every second one from `first` on. */
  async toMap(checkpoint: () => Promise<void>, { first = 0, step = 1 } = {}): Promise<RiseMap> {
    const [points, outputs] = [this.#points, this.#outputs];
    const indices = this.#values.map((_, at) => at).filter((at) => at % step === first);
    const count = indices.length;
    const means = new Float64Array(outputs);
    const shares = new Float64Array(points);
    for (const at of indices) {
      const [values, shown] = [this.#values[at] as Float64Array, this.#shown[at] as Float32Array];
      for (let output = 0; output < outputs; output++)
        means[output] = (means[output] as number) + (values[output] as number) / count;
      for (let point = 0; point < points; point++)
        shares[point] = (shares[point] as number) + (shown[point] as number) / count;
    }
    const sums = new Float64Array(points * outputs);
    const squares = new Float64Array(points * outputs);
    for (const at of indices) {
      const [values, shown] = [this.#values[at] as Float64Array, this.#shown[at] as Float32Array];
      for (let point = 0; point < points; point++) {
        const share = shares[point] as number;
        if (share === 0) continue;
        const weight = ((shown[point] as number) - share) / share;
        for (let output = 0; output < outputs; output++) {
          const term = weight * ((values[output] as number) - (means[output] as number));
          const place = point * outputs + output;
          sums[place] = (sums[place] as number) + term;
          squares[place] = (squares[place] as number) + term * term;
        }
      }
      await checkpoint();
    }
    const values = sums.map((sum) => sum / count);
    const standardErrors = squares.map((square, at) =>
      Math.sqrt(Math.max(0, square / count - (values[at] as number) ** 2) / count),
    );
    return { values, standardErrors };
  }

  /** How alike the maps of the two halves of the samples are: the correlation of their points, from -1 to 1. */
  async agreement(checkpoint: () => Promise<void>): Promise<number> {
    const even = await this.toMap(checkpoint, { first: 0, step: 2 });
    const odd = await this.toMap(checkpoint, { first: 1, step: 2 });
    return correlation(even.values, odd.values);
  }
}

/** Pearson's; 1 where either does not vary, as more samples would change nothing. */
function correlation(a: Float64Array, b: Float64Array): number {
  const meanA = a.reduce((sum, value) => sum + value, 0) / a.length;
  const meanB = b.reduce((sum, value) => sum + value, 0) / b.length;
  let [both, ofA, ofB] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    const [x, y] = [value - meanA, (b[at] as number) - meanB];
    both += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return ofA === 0 || ofB === 0 ? 1 : both / Math.sqrt(ofA * ofB);
}

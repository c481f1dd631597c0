/**
 * Indices of scores, taken best first; of equal scores the lower index first. A binary heap: few of many candidates are
 * taken, so that they are not sorted.
 */
export class BestFirst {
  readonly #scores: Float32Array;
  readonly #heap: Int32Array;
  #size: number;

  /** @param indices are reordered */
  constructor(scores: Float32Array, indices: Int32Array) {
    this.#scores = scores;
    this.#heap = indices;
    this.#size = indices.length;
    for (let at = (this.#size >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  take(): number | undefined {
    if (this.#size === 0) return undefined;
    const best = this.#heap[0] as number;
    this.#size--;
    this.#heap[0] = this.#heap[this.#size] as number;
    this.#sink(0);
    return best;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moved = heap[from] as number;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (
        child + 1 < this.#size &&
        this.#isBetter(heap[child + 1] as number, heap[child] as number)
      )
        child++;
      if (!this.#isBetter(heap[child] as number, moved)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = moved;
  }

  #isBetter(a: number, b: number): boolean {
    const [scoreA, scoreB] = [this.#scores[a] as number, this.#scores[b] as number];
    return scoreA > scoreB || (scoreA === scoreB && a < b);
  }
}

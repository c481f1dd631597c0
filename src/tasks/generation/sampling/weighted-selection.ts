/** Bits of a key that are decided in each pass; the sign bit is 0. */
const DIGITS = [
  { shift: 20, bits: 11 },
  { shift: 10, bits: 10 },
  { shift: 0, bits: 10 },
] as const;

export interface Selected {
  /** The smallest key such that the items whose key is not larger weigh at least the limit. */
  readonly key: number;
  /** What the items with smaller keys weigh. */
  readonly below: number;
}

/**
 * Finds where items in ascending order of their keys reach a weight, without sorting them: a radix selection over the
 * bits of non-negative FP32 numbers, which have the order of the numbers. Three passes, whatever the keys are.
 */
export class WeightedSelection {
  readonly #sums = new Float64Array(2 ** 11);

  /**
   * @param keys the bits of non-negative FP32 numbers
   * @param limit at most the sum of the weights, but for rounding; the first item is selected if it is 0
   */
  select(keys: Uint32Array, count: number, limit: number, weights: Float64Array): Selected {
    let [prefix, below] = [0, 0];
    for (const { shift, bits } of DIGITS) {
      this.#sum(keys, count, prefix, shift, bits, weights);
      const sums = this.#sums;
      let [chosen, belowChosen] = [0, below];
      for (let digit = 0, sum = below; digit < 2 ** bits; digit++) {
        const weight = sums[digit] as number;
        if (weight === 0) continue;
        [chosen, belowChosen] = [digit, sum];
        sum += weight;
        if (sum >= limit) break;
      }
      prefix = (prefix << bits) | chosen;
      below = belowChosen;
    }
    return { key: prefix, below };
  }

  /** Sums the weights of the keys that begin with the prefix by their next digit. */
  #sum(
    keys: Uint32Array,
    count: number,
    prefix: number,
    shift: number,
    bits: number,
    weights: Float64Array,
  ): void {
    const sums = this.#sums.fill(0, 0, 2 ** bits);
    const mask = 2 ** bits - 1;
    for (let item = 0; item < count; item++) {
      const digits = (keys[item] as number) >>> shift;
      if (digits >>> bits !== prefix) continue;
      const digit = digits & mask;
      sums[digit] = (sums[digit] as number) + (weights[item] as number);
    }
  }
}

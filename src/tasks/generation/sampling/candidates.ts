import { expOfNegative } from "./exp-of-negative.ts";
import { WeightedSelection } from "./weighted-selection.ts";

/**
 * The tokens that may be sampled, with the distance of each from the best one, `(max logit - logit) / temperature`: its
 * probability is in proportion to `exp(-distance)`. The arrays are as long as the vocabulary and are used again for
 * each token.
 */
export class Candidates {
  readonly #ids: Int32Array;
  readonly #distances: Float32Array;
  readonly #distanceBits: Uint32Array;
  readonly #weights: Float64Array;
  readonly #selection = new WeightedSelection();
  #deviations: Float32Array | undefined;
  #count = 0;
  #total: number | undefined;

  constructor(vocabularySize: number) {
    this.#ids = new Int32Array(vocabularySize);
    this.#distances = new Float32Array(vocabularySize);
    this.#distanceBits = new Uint32Array(this.#distances.buffer);
    this.#weights = new Float64Array(vocabularySize);
  }

  /**
   * Takes the tokens whose logit is not -infinity.
   * @param max the largest logit
   * @param min tokens with smaller logits are left out
   */
  load(logits: Float32Array, max: number, temperature: number, min = -Number.MAX_VALUE): void {
    const [ids, distances] = [this.#ids, this.#distances];
    let count = 0;
    for (let token = 0; token < logits.length; token++) {
      const logit = logits[token] as number;
      if (!(logit >= min)) continue;
      ids[count] = token;
      distances[count] = (max - logit) / temperature;
      count++;
    }
    this.#count = count;
    this.#total = undefined;
  }

  /**
   * Keeps the fewest most probable tokens whose probabilities add up to at least `mass`, of equally probable ones those
   * with the highest ids, as transformers does where the sort of PyTorch is stable (up to 16 tokens).
   */
  keepTopP(mass: number): void {
    const limit = mass * this.#weigh();
    const [bits, weights] = [this.#distanceBits, this.#weights];
    const { key, below } = this.#selection.select(bits, this.#count, limit, weights);
    let ties = 0;
    let weight = 1;
    for (let index = 0; index < this.#count; index++) {
      if (bits[index] !== key) continue;
      ties++;
      weight = weights[index] as number;
    }
    const wanted = Math.max(1, Math.ceil((limit - below) / weight));
    this.#keep(bits, key, Math.max(0, ties - wanted));
  }

  /** Keeps the tokens whose probability is at least `ratio` of the best one's, which must not have been left out. */
  keepMinP(ratio: number): void {
    this.#keep(this.#distanceBits, bitsOf(Math.log(1 / ratio)));
  }

  /**
   * Keeps the fewest tokens whose log probability is nearest to the expected one, and that add up to at least `mass`
   * (Meister et al. 2022, "Locally Typical Sampling").
   */
  keepTypical(mass: number): void {
    const total = this.#weigh();
    const [distances, weights] = [this.#distances, this.#weights];
    let sum = 0;
    for (let index = 0; index < this.#count; index++)
      if (weights[index] !== 0) sum += (weights[index] as number) * (distances[index] as number);
    const expected = sum / total;
    this.#deviations ??= new Float32Array(distances.length);
    const deviations = this.#deviations;
    for (let index = 0; index < this.#count; index++)
      deviations[index] = Math.abs((distances[index] as number) - expected);
    const bits = new Uint32Array(deviations.buffer);
    const { key } = this.#selection.select(bits, this.#count, mass * total, weights);
    this.#keep(bits, key);
  }

  /** @param random from 0 to 1, 1 excluded */
  draw(random: number): number {
    const target = random * this.#weigh();
    let sum = 0;
    let last = 0;
    for (let index = 0; index < this.#count; index++) {
      const weight = this.#weights[index] as number;
      if (weight === 0) continue;
      sum += weight;
      last = index;
      if (sum > target) break;
    }
    return this.#ids[last] as number;
  }

  /** The natural logarithm of a token's probability. */
  logprob(token: number): number {
    const index = this.#ids.subarray(0, this.#count).indexOf(token);
    return -(this.#distances[index] as number) - Math.log(this.#weigh());
  }

  /** The most probable tokens, of equally probable ones those with the lowest ids first. */
  top(count: number): { token: number; logprob: number }[] {
    const best: number[] = [];
    const distances = this.#distances;
    for (let index = 0; index < this.#count; index++) {
      const distance = distances[index] as number;
      if (best.length >= count && !(distance < (distances[best.at(-1) as number] as number)))
        continue;
      let at = best.length;
      while (at > 0 && distance < (distances[best[at - 1] as number] as number)) at--;
      best.splice(at, 0, index);
      if (best.length > count) best.pop();
    }
    const logTotal = Math.log(this.#weigh());
    return best.map((index) => ({
      token: this.#ids[index] as number,
      logprob: -(distances[index] as number) - logTotal,
    }));
  }

  /** The sum of the weights, which are computed when they are first needed. */
  #weigh(): number {
    if (this.#total !== undefined) return this.#total;
    let total = 0;
    for (let index = 0; index < this.#count; index++) {
      const weight = expOfNegative(this.#distances[index] as number);
      this.#weights[index] = weight;
      total += weight;
    }
    this.#total = total;
    return total;
  }

  /**
   * Keeps the candidates with a key up to the largest one, in their order.
   * @param surplus how many of those with the largest key are left out, from the first on
   */
  #keep(keys: Uint32Array, largest: number, surplus = 0): void {
    const [ids, distances, weights] = [this.#ids, this.#distances, this.#weights];
    let left = surplus;
    let kept = 0;
    let total = 0;
    for (let index = 0; index < this.#count; index++) {
      const key = keys[index] as number;
      if (key > largest || (key === largest && left-- > 0)) continue;
      ids[kept] = ids[index] as number;
      distances[kept] = distances[index] as number;
      weights[kept] = weights[index] as number;
      total += weights[kept] as number;
      kept++;
    }
    this.#count = kept;
    if (this.#total !== undefined) this.#total = total;
  }
}

/** Of a non-negative number, rounded to FP32. */
function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] as number;
}

/** A source of numbers from 0 to 1, 1 excluded, with 53 random bits each. */
export type Random = () => number;

/** The same numbers for the same seed, on every machine. @param seed an integer that a double holds exactly */
export function createSeededRandom(seed: number): Random {
  const next = splitMix64(BigInt(seed));
  const [first, second] = [next(), next()];
  return toRandom(xoshiro128([high(first), low(first), high(second), low(second)] as const));
}

/** Other numbers each time. */
export function createEntropyRandom(): Random {
  const [a = 0, b = 0, c = 0, d = 0] = crypto.getRandomValues(new Uint32Array(4));
  // All zeros is the one state that xoshiro does not leave.
  return toRandom(xoshiro128([a, b, c, (d | 1) >>> 0]));
}

function toRandom(next: () => number): Random {
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/**
 * xoshiro128** 1.1 of David Blackman and Sebastiano Vigna, "Scrambled linear pseudorandom number generators" (2021): 32
 * bits a call, period 2^128 - 1.
 * @param state not all 0
 */
export function xoshiro128([s0, s1, s2, s3]: readonly [
  number,
  number,
  number,
  number,
]): () => number {
  let [a, b, c, d] = [s0 | 0, s1 | 0, s2 | 0, s3 | 0];
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
}

/** SplitMix64, with which the authors of xoshiro fill its state: neighbouring seeds give unrelated states. */
export function splitMix64(seed: bigint): () => bigint {
  let state = BigInt.asUintN(64, seed);
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let mixed = state;
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    return mixed ^ (mixed >> 31n);
  };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function high(value: bigint): number {
  return Number(value >> 32n);
}

function low(value: bigint): number {
  return Number(value & 0xffffffffn);
}

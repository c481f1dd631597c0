import { expect, test } from "vitest";
import { murmur3 } from "../../../src/shared/murmur3.ts";

const ENCODER = new TextEncoder();

/** Computed by `sklearn.utils.murmurhash3_32` of scikit-learn. */
test.each<[Uint8Array, number, number]>([
  [ENCODER.encode(""), 0, 0],
  [ENCODER.encode(""), 1, 1364076727],
  [ENCODER.encode("a"), 0, 1009084850],
  [ENCODER.encode("ab"), 0, 2613040991],
  [ENCODER.encode("abc"), 0, 3017643002],
  [ENCODER.encode("abcd"), 0, 1139631978],
  [ENCODER.encode("abcde"), 42, 2933533680],
  [ENCODER.encode("Größe 漢字 🙂"), 7, 439311663],
  [Uint8Array.from({ length: 256 }, (_, byte) => byte), 2 ** 31 + 5, 3989345892],
])("the hash of %s with the seed %i is that of scikit-learn", (bytes, seed, hash) => {
  expect(murmur3(bytes, seed)).toBe(hash);
});

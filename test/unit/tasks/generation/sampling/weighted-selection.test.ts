import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../../../../../src/shared/random.ts";
import { WeightedSelection } from "../../../../../src/tasks/generation/sampling/weighted-selection.ts";

function toBits(keys: readonly number[]): Uint32Array {
  return new Uint32Array(Float32Array.from(keys).buffer);
}

describe("WeightedSelection", () => {
  const selection = new WeightedSelection();

  test.each([0, 0.1, 1, 2.5, 3, 3.5, 6])(
    "finds the key at which sorted items weigh %f",
    (limit) => {
      const [keys, weights] = [
        [3, 0.5, 1e-30, 0.5, 1e30, 0],
        [1, 0.75, 0.25, 1, 2, 1],
      ];
      const sorted = keys.map((key, index) => [key, weights[index] as number] as const);
      sorted.sort(([a], [b]) => a - b);
      let sum = 0;
      const reached = sorted.find(([, weight]) => {
        sum += weight;
        return sum >= limit;
      });
      const key = reached?.[0] as number;
      const below = sorted.reduce((total, [k, weight]) => total + (k < key ? weight : 0), 0);
      const selected = selection.select(toBits(keys), 6, limit, Float64Array.from(weights));
      expect(selected).toEqual({ key: toBits([key])[0], below });
    },
  );

  test("agrees with a sort for random keys and weights", () => {
    const random = createSeededRandom(1);
    for (let round = 0; round < 50; round++) {
      const size = 1 + Math.floor(random() * 400);
      const spread = 10 ** (random() * 8 - 4);
      const keys = Array.from({ length: size }, () => Math.fround(random() * spread));
      const weights = Float64Array.from(keys, () => 1 + Math.floor(random() * 8));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const limit = 1 + Math.floor(random() * total);
      const order = keys.map((_, index) => index).sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
      let sum = 0;
      const index = order.find((at) => {
        sum += weights[at] as number;
        return sum >= limit;
      });
      const { key } = selection.select(toBits(keys), size, limit, weights);
      expect(key).toBe(toBits([keys[index as number] as number])[0]);
    }
  });

  test("selects the last key where rounding leaves less than the limit", () => {
    const { key } = selection.select(
      toBits([1, 2, 3]),
      3,
      0.6 + 1e-12,
      Float64Array.of(0.1, 0.2, 0.3),
    );
    expect(key).toBe(toBits([3])[0]);
  });
});

import { describe, expect, test } from "vitest";
import type { Estimate, Estimator } from "../../../../src/explain/estimator.ts";
import { exactEstimator } from "../../../../src/explain/estimators/exact.ts";
import { kernelEstimator } from "../../../../src/explain/estimators/kernel.ts";
import { permutationEstimator } from "../../../../src/explain/estimators/permutation.ts";
import type { Game } from "../../../../src/explain/game.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";
import { bruteForce, estimatorOptions, gameOf, randomGame } from "../../../support/games.ts";

const random = createSeededRandom(20);
const SAMPLED = [kernelEstimator, permutationEstimator];
const ALL = [exactEstimator, ...SAMPLED];

function expectAdditive({ values, base, full }: Estimate, { players, outputs }: Game): void {
  for (let output = 0; output < outputs; output++) {
    let sum = base[output] ?? Number.NaN;
    for (let player = 0; player < players; player++)
      sum += values[player * outputs + output] ?? Number.NaN;
    expect(sum).toBeCloseTo(full[output] as number, 9);
  }
}

describe.each(ALL)("$name, of all coalitions", (estimator: Estimator) => {
  test.each([0, 1, 2, 3, 4, 5, 6])(
    "has the Shapley values of a random game of %i players",
    async (players) => {
      const game = randomGame(players, 2, random);
      const coalitions = estimator.countCoalitions(players, 2 ** players);
      expect(coalitions).toBe(2 ** players);
      const estimate = await estimator.estimate(game, estimatorOptions(coalitions));
      expect(game.evaluated).toBe(2 ** players);
      expect(estimate.coalitions).toBe(2 ** players);
      const expected = await bruteForce(game);
      expect([...estimate.values]).toEqual(expected.map((value) => expect.closeTo(value, 9)));
      expect([...(estimate.standardErrors ?? [])].every((error) => error === 0)).toBe(true);
      expectAdditive(estimate, game);
    },
  );

  test("gives symmetric players the same and a dummy nothing, and is linear", async () => {
    const options = () => estimatorOptions(2 ** 5);
    const symmetric = gameOf(5, 1, ([a = 0, b = 0, c = 0, d = 0]) => [
      (a + b) ** 2 + c * d * (a + b) + 3 * d,
    ]);
    const { values } = await estimator.estimate(symmetric, options());
    expect(values[0]).toBeCloseTo(values[1] as number, 12);
    expect(values[4]).toBeCloseTo(0, 12);

    const [one, two] = [randomGame(5, 1, random), randomGame(5, 1, random)];
    const mixed: Game = {
      ...one,
      async evaluate(coalitions) {
        const [a, b] = await Promise.all([one.evaluate(coalitions), two.evaluate(coalitions)]);
        return a.map((value, index) => 2 * value - 3 * (b[index] as number));
      },
    };
    const [first, second, both] = await Promise.all(
      [one, two, mixed].map((game) => estimator.estimate(game, options())),
    );
    for (let player = 0; player < 5; player++)
      expect(both?.values[player]).toBeCloseTo(
        2 * (first?.values[player] as number) - 3 * (second?.values[player] as number),
        9,
      );
  });
});

describe.each(SAMPLED)("$name, of some coalitions", (estimator: Estimator) => {
  /** Interactions of up to three players among 16, and a dummy: its values are known. */
  const PLAYERS = 16;
  const terms = Array.from({ length: 40 }, () => ({
    weight: random() * 4 - 2,
    members: Array.from({ length: 1 + Math.floor(3 * random()) }, () =>
      Math.floor((PLAYERS - 1) * random()),
    ),
  }));
  const unanimity = gameOf(PLAYERS, 1, (coalition) => [
    terms.reduce(
      (sum, { weight, members }) =>
        sum + (members.every((player) => coalition[player] === 1) ? weight : 0),
      1,
    ),
  ]);
  // Each of the members of a game of unanimity has the same.
  const expected = Array.from({ length: PLAYERS }, (_, player) =>
    terms.reduce((sum, { weight, members }) => {
      const distinct = new Set(members);
      return distinct.has(player) ? sum + weight / distinct.size : sum;
    }, 0),
  );

  test("adds up, keeps to its coalitions, and is the same for the same seed", async () => {
    const coalitions = estimator.countCoalitions(PLAYERS, 300);
    expect(coalitions).toBeLessThanOrEqual(300);
    const before = unanimity.evaluated;
    const estimate = await estimator.estimate(unanimity, estimatorOptions(coalitions, 7));
    expect(unanimity.evaluated - before).toBe(estimate.coalitions);
    expect(estimate.coalitions).toBeLessThanOrEqual(coalitions);
    expectAdditive(estimate, unanimity);
    const again = await estimator.estimate(unanimity, estimatorOptions(coalitions, 7));
    expect(again.values).toEqual(estimate.values);
    const other = await estimator.estimate(unanimity, estimatorOptions(coalitions, 8));
    expect(other.values).not.toEqual(estimate.values);
  });

  test("errs as its standard errors say", async () => {
    const scores: number[] = [];
    for (let seed = 0; seed < 60; seed++) {
      const { values, standardErrors } = await estimator.estimate(
        unanimity,
        estimatorOptions(600, seed),
      );
      for (const [player, value] of expected.entries())
        if ((standardErrors?.[player] ?? 0) > 1e-9)
          scores.push(((values[player] as number) - value) / (standardErrors?.[player] as number));
        else expect(values[player]).toBeCloseTo(value, 9);
    }
    const deviation = Math.sqrt(scores.reduce((sum, score) => sum + score ** 2, 0) / scores.length);
    expect(deviation).toBeGreaterThan(0.7);
    expect(deviation).toBeLessThan(1.3);
    expect(scores.filter((score) => Math.abs(score) > 3).length / scores.length).toBeLessThan(0.02);
  });

  test("of the least coalitions has errors that are finite and not none", async () => {
    const least = estimator.minCoalitions(PLAYERS);
    const { values, standardErrors } = await estimator.estimate(unanimity, estimatorOptions(least));
    expect(values.every(Number.isFinite)).toBe(true);
    expect(standardErrors?.every(Number.isFinite)).toBe(true);
    expect(Math.max(...(standardErrors ?? []))).toBeGreaterThan(0);
  });

  test("of a game of many players ends, with checkpoints between pieces of work", async () => {
    const weights = Array.from({ length: 300 }, () => random());
    const game = gameOf(300, 1, (coalition) => [
      coalition.reduce((sum, known, player) => sum + known * (weights[player] as number), 0),
    ]);
    let checkpoints = 0;
    const { values } = await estimator.estimate(game, {
      ...estimatorOptions(estimator.minCoalitions(300)),
      checkpoint: async () => void checkpoints++,
    });
    for (const [player, weight] of weights.entries()) expect(values[player]).toBeCloseTo(weight, 9);
    expect(checkpoints).toBeGreaterThan(1);
  });
});

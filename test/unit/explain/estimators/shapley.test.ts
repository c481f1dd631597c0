import { describe, expect, test } from "vitest";
import type { Estimate, Estimator } from "../../../../src/explain/estimator.ts";
import { exactEstimator } from "../../../../src/explain/estimators/exact.ts";
import { kernelEstimator } from "../../../../src/explain/estimators/kernel.ts";
import { createLimeEstimator } from "../../../../src/explain/estimators/lime.ts";
import { occlusion } from "../../../../src/explain/estimators/occlusion.ts";
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
    const mixed = mix(one, two);
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

/** Twice the first game less three times the second one. */
function mix(one: Game, two: Game): Game {
  return {
    ...one,
    async evaluate(coalitions) {
      const [a, b] = [await one.evaluate(coalitions), await two.evaluate(coalitions)];
      return a.map((value, index) => 2 * value - 3 * (b[index] as number));
    },
  };
}

const ANY = [
  occlusion,
  createLimeEstimator({ distance: "cosine", kernelWidth: () => 0.25, samples: undefined }),
  ...ALL,
];

describe.each(ANY)("$name, whatever it estimates", (estimator: Estimator) => {
  const PLAYERS = 9;
  /** Fewer than all coalitions, where it draws some. */
  const options = () => estimatorOptions(estimator.exact ? 2 ** PLAYERS : 120, 3);

  test("is linear in the game, of the same seed", async () => {
    const [one, two] = [randomGame(PLAYERS, 2, random), randomGame(PLAYERS, 2, random)];
    const [first, second] = [
      await estimator.estimate(one, options()),
      await estimator.estimate(two, options()),
    ];
    const { values } = await estimator.estimate(mix(one, two), options());
    for (const [at, value] of values.entries())
      expect(value).toBeCloseTo(
        2 * (first.values[at] as number) - 3 * (second.values[at] as number),
        8,
      );
  });

  test("gives a dummy nothing and symmetric players the same, within its standard errors", async () => {
    const game = gameOf(PLAYERS, 1, ([a = 0, b = 0, c = 0, d = 0]) => [
      (a + b) ** 2 + c * d * (a + b) + 3 * d,
    ]);
    const { values, standardErrors } = await estimator.estimate(game, options());
    const errorOf = (player: number): number => standardErrors?.[player] ?? 0;
    const dummy = PLAYERS - 1;
    expect(Math.abs(values[dummy] as number)).toBeLessThanOrEqual(4 * errorOf(dummy) + 1e-9);
    expect(Math.abs((values[0] as number) - (values[1] as number))).toBeLessThanOrEqual(
      4 * (errorOf(0) + errorOf(1)) + 1e-9,
    );
  });
});

test("of players who add up, occlusion and orders say exactly what each adds", async () => {
  const game = gameOf(12, 1, (coalition) => [
    coalition.reduce((sum, known, player) => sum + known * (player - 4), 0.5),
  ]);
  for (const estimator of [occlusion, permutationEstimator]) {
    const { values } = await estimator.estimate(game, estimatorOptions(60, 1));
    expect([...values]).toEqual(
      Array.from({ length: 12 }, (_, player) => expect.closeTo(player - 4, 9)),
    );
  }
});

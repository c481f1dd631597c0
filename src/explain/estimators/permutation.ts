import type { Estimator } from "../estimator.ts";
import type { Coalition } from "../game.ts";
import { enumerate, MAX_EXACT_PLAYERS } from "./exact.ts";
import { everybody, KnownValues, nobody } from "./known-values.ts";
import { shuffled } from "./shuffled.ts";

/** Numbers of values that are kept for permutations to come. */
const MAX_KEPT = 500_000;
/** Coalitions of the permutations that are evaluated together. */
const ROUND = 512;

/**
 * Shapley values by random orders of the players, each also backwards: what a player adds to those before it. The values of each
 * pair of orders add up exactly; their standard errors are those of the mean of the pairs.
 * Source: Mitchell, Cooper, Frank and Holmes, Sampling permutations for Shapley value estimation, JMLR 2022.
 */
export const permutationEstimator: Estimator = {
  name: "permutation",
  exact: false,
  // Two pairs of orders, or all coalitions.
  minCoalitions: (players) => Math.min(2 ** players, Math.max(4 * players - 2, 2)),
  countCoalitions(players, maxCoalitions) {
    if (players < 2) return Math.min(2 ** players, maxCoalitions);
    const ofPairs = 2 + pairsIn(players, maxCoalitions) * 2 * (players - 1);
    return isWhole(players, maxCoalitions) ? 2 ** players : Math.min(2 ** players, ofPairs);
  },
  async estimate(game, { maxCoalitions, random, checkpoint }) {
    const { players, outputs } = game;
    if (isWhole(players, maxCoalitions)) {
      const whole = await enumerate(game, checkpoint);
      return { ...whole, standardErrors: new Float64Array(players * outputs) };
    }
    const known = new KnownValues(game);
    const ends = [nobody(players), everybody(players)] as const;
    const [base, full] = (await known.learn(ends)) as [Float64Array, Float64Array];
    const pairs = pairsIn(players, maxCoalitions);
    const perRound = Math.max(1, Math.floor(ROUND / (2 * (players - 1))));
    const sums = new Float64Array(players * outputs);
    const squares = new Float64Array(players * outputs);
    const added = new Float64Array(players * outputs);
    for (let done = 0; done < pairs; done += perRound) {
      const orders = Array.from({ length: Math.min(perRound, pairs - done) }, () =>
        shuffled(players, random),
      );
      const ways = orders.flatMap((order) => [order, order.toReversed()]);
      const learnt = await known.learn(ways.flatMap(growing));
      for (let way = 0, step = 0; way < ways.length; way++) {
        if (way % 2 === 0) {
          await checkpoint();
          added.fill(0);
        }
        let before = base;
        for (const [index, player] of (ways[way] as readonly number[]).entries()) {
          const after = index === players - 1 ? full : (learnt[step++] as Float64Array);
          for (let output = 0; output < outputs; output++)
            (added[player * outputs + output] as number) +=
              ((after[output] as number) - (before[output] as number)) / 2;
          before = after;
        }
        if (way % 2 === 0) continue;
        for (let at = 0; at < added.length; at++) {
          (sums[at] as number) += added[at] as number;
          (squares[at] as number) += (added[at] as number) ** 2;
        }
      }
      if (known.size > MAX_KEPT) known.forget();
    }
    const values = sums.map((sum) => sum / pairs);
    const standardErrors = squares.map((square, at) => {
      const variance = Math.max(square - (sums[at] as number) ** 2 / pairs, 0) / (pairs - 1);
      return Math.sqrt(variance / pairs);
    });
    return { values, standardErrors, base, full, coalitions: known.evaluated };
  },
};

/** Whether all coalitions may be evaluated, so that nothing need be drawn. */
function isWhole(players: number, maxCoalitions: number): boolean {
  return players <= MAX_EXACT_PLAYERS && 2 ** players <= maxCoalitions;
}

function pairsIn(players: number, maxCoalitions: number): number {
  return Math.floor((maxCoalitions - 2) / (2 * (players - 1)));
}

/** The coalitions of the first player of an order, the first two, and so on, without those of none and of all. */
function growing(order: readonly number[]): Coalition[] {
  const coalitions: Coalition[] = [];
  let last = nobody(order.length);
  for (const player of order.slice(0, -1)) {
    last = last.slice();
    last[player] = 1;
    coalitions.push(last);
  }
  return coalitions;
}

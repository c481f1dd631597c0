import type { Call } from "../../domain/call.ts";
import type { Estimate, Estimator } from "../estimator.ts";
import type { Coalition, Game } from "../game.ts";

/** More have more coalitions than are worth their runs: 2048 of 11. */
export const MAX_EXACT_PLAYERS = 11;

/** Coalitions that a game gets at once. */
const CHUNK = 512;

/**
 * Shapley values by all coalitions: what a player adds to each, weighted by how many orders of the players have it.
 * Source: Shapley, A value for n-person games, 1953.
 */
export const exactEstimator: Estimator = {
  name: "exact",
  exact: true,
  minCoalitions: (players) => 2 ** players,
  countCoalitions: (players) => 2 ** players,
  estimate: (game, { checkpoint }) => enumerate(game, checkpoint),
};

/** @param game of at most {@link MAX_EXACT_PLAYERS} players */
export async function enumerate(game: Game, checkpoint: Call["checkpoint"]): Promise<Estimate> {
  const { players, outputs } = game;
  if (players > MAX_EXACT_PLAYERS) throw new Error(`${players} players are too many to enumerate`);
  const count = 2 ** players;
  const found = new Float64Array(count * outputs);
  for (let at = 0; at < count; at += CHUNK) {
    const length = Math.min(CHUNK, count - at);
    const some = Array.from({ length }, (_, index) => toCoalition(at + index, players));
    found.set(await game.evaluate(some), at * outputs);
  }
  const weights = weightsBySize(players);
  const values = new Float64Array(players * outputs);
  for (let player = 0; player < players; player++) {
    await checkpoint();
    const own = 1 << player;
    for (let coalition = 0; coalition < count; coalition++) {
      if (coalition & own) continue;
      const weight = weights[bitCount(coalition)] as number;
      for (let output = 0; output < outputs; output++) {
        const added =
          (found[(coalition | own) * outputs + output] as number) -
          (found[coalition * outputs + output] as number);
        (values[player * outputs + output] as number) += weight * added;
      }
    }
  }
  return {
    values,
    base: found.slice(0, outputs),
    full: found.slice((count - 1) * outputs),
    coalitions: count,
  };
}

function toCoalition(bits: number, players: number): Coalition {
  return Uint8Array.from({ length: players }, (_, player) => (bits >> player) & 1);
}

/** s! (n - s - 1)! / n!, for the sizes s from 0. */
function weightsBySize(players: number): number[] {
  const weights: number[] = [];
  for (let size = 0, weight = 1 / players; size < players; size++) {
    weights.push(weight);
    weight *= (size + 1) / (players - size - 1);
  }
  return weights;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

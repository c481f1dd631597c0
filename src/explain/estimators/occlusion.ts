import type { Estimator } from "../estimator.ts";
import type { Coalition } from "../game.ts";

/**
 * Leaves out one player at a time: what is lost without it. The values need not add up: two players that say the same have none each.
 * Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014; Robnik-Sikonja and Kononenko,
 * Explaining Classifications for Individual Instances, IEEE TKDE 2008.
 */
export const occlusion: Estimator = {
  name: "occlusion",
  exact: true,
  minCoalitions: (players) => coalitionsOf(players),
  countCoalitions: (players) => coalitionsOf(players),
  async estimate(game) {
    const { players, outputs } = game;
    const coalitions: Coalition[] = [new Uint8Array(players).fill(1)];
    for (let player = 0; player < players; player++) coalitions.push(allBut(player, players));
    // Of one player, nobody is all but that one.
    if (players > 1) coalitions.push(new Uint8Array(players));
    const found = await game.evaluate(coalitions);
    const full = found.slice(0, outputs);
    const base = found.slice((coalitions.length - 1) * outputs);
    const values = new Float64Array(players * outputs);
    for (let at = 0; at < values.length; at++)
      values[at] = (full[at % outputs] as number) - (found[outputs + at] as number);
    return { values, base, full, coalitions: coalitions.length };
  },
};

function coalitionsOf(players: number): number {
  return players + (players > 1 ? 2 : 1);
}

function allBut(player: number, players: number): Coalition {
  const coalition = new Uint8Array(players).fill(1);
  coalition[player] = 0;
  return coalition;
}

import type { EstimatorOptions } from "../../src/explain/estimator.ts";
import type { Coalition, Game } from "../../src/explain/game.ts";
import { createSeededRandom, type Random } from "../../src/shared/random.ts";

/** A game of a function of the players that are present, which counts what it evaluates. */
export interface TestGame extends Game {
  readonly evaluated: number;
}

export function gameOf(
  players: number,
  outputs: number,
  value: (coalition: Coalition) => readonly number[],
): TestGame {
  let evaluated = 0;
  return {
    players,
    outputs,
    runsPerCoalition: 1,
    get evaluated() {
      return evaluated;
    },
    async evaluate(coalitions) {
      evaluated += coalitions.length;
      return Float64Array.from(coalitions.flatMap((coalition) => [...value(coalition)]));
    },
  };
}

/** A game whose values are drawn: no two coalitions have the same one. */
export function randomGame(players: number, outputs: number, random: Random): TestGame {
  const values = Array.from({ length: 2 ** players * outputs }, () => random() * 10 - 5);
  return gameOf(players, outputs, (coalition) => {
    const at = coalition.reduce((bits, known, player) => bits + known * 2 ** player, 0);
    return values.slice(at * outputs, (at + 1) * outputs);
  });
}

/** Shapley values by their definition: the mean over all orders of what each player adds. */
export async function bruteForce(game: Game): Promise<number[]> {
  const { players, outputs } = game;
  const sums = new Array<number>(players * outputs).fill(0);
  let orders = 0;
  for (const order of permutations(Array.from({ length: players }, (_, index) => index))) {
    orders += 1;
    const coalitions = [new Uint8Array(players)];
    for (const player of order) {
      const next = (coalitions.at(-1) as Coalition).slice();
      next[player] = 1;
      coalitions.push(next);
    }
    const values = await game.evaluate(coalitions);
    for (const [index, player] of order.entries())
      for (let output = 0; output < outputs; output++)
        (sums[player * outputs + output] as number) +=
          (values[(index + 1) * outputs + output] as number) -
          (values[index * outputs + output] as number);
  }
  return sums.map((sum) => sum / orders);
}

export function estimatorOptions(maxCoalitions: number, seed = 0): EstimatorOptions {
  return { maxCoalitions, random: createSeededRandom(seed), checkpoint: async () => undefined };
}

function* permutations(items: readonly number[]): Generator<readonly number[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries())
    for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
}

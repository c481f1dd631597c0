import type { Call } from "../../domain/call.ts";
import type { Random } from "../../shared/random.ts";
import type { Estimator } from "../estimator.ts";
import type { Coalition } from "../game.ts";
import { complement, evaluateAll, everybody, keyOf, nobody } from "./known-values.ts";
import { shuffleNumbers } from "./shuffled.ts";
import { fitWeighted, MAX_ROW_NUMBERS } from "./weighted-regression.ts";

/** A coalition with its complement, which is evaluated as well. */
interface Pair {
  readonly coalition: Coalition;
  /** Of both together. */
  weight: number;
  /** How often it was drawn; 0 of the sizes that are enumerated. */
  draws: number;
}

/** Draws for each pair that is wanted: some are drawn again. */
const MAX_DRAWS = 4;
/** Between two checkpoints. */
const DRAWS_PER_STEP = 1024;

/**
 * KernelSHAP: the linear function of the players' presence that is nearest to the game, weighted so that its coefficients are the Shapley
 * values, and adding up to the difference between all players and none. Sizes of coalitions that have few are enumerated, of the
 * others pairs of a coalition and its complement are drawn by their weight.
 * Sources: Lundberg and Lee, A Unified Approach to Interpreting Model Predictions, NeurIPS 2017; Covert and Lee, Improving
 * KernelSHAP, AISTATS 2021 (paired sampling).
 */
export const kernelEstimator: Estimator = {
  name: "kernel",
  exact: false,
  // Those of one player and of all but one, and as many that are drawn.
  minCoalitions: (players) => Math.min(2 ** players, Math.max(4 * players, 2)),
  countCoalitions(players, maxCoalitions) {
    if (players < 2) return Math.min(2 ** players, maxCoalitions);
    const kept = Math.max(Math.floor(MAX_ROW_NUMBERS / players), 2 * players);
    const pairs = Math.min(Math.floor((maxCoalitions - 2) / 2), kept);
    return Math.min(2 ** players, 2 + 2 * pairs);
  },
  async estimate(game, { maxCoalitions, random, checkpoint }) {
    const { players, outputs } = game;
    // Of no players, nobody is everybody.
    const ends = [nobody(players), everybody(players)].slice(0, players + 1);
    const ofEnds = await game.evaluate(ends);
    const [base, full] = [ofEnds.slice(0, outputs), ofEnds.slice(-outputs)];
    const differences = full.map((value, output) => value - (base[output] as number));
    if (players < 2) {
      const values = players === 0 ? new Float64Array() : differences;
      return { values, base, full, exact: true, coalitions: ends.length };
    }
    const pairs = await choosePairs(
      players,
      Math.floor((maxCoalitions - 2) / 2),
      random,
      checkpoint,
    );
    const found = await evaluateAll(
      game,
      pairs.flatMap(({ coalition }) => [coalition, complement(coalition)]),
    );
    const coalitions = 2 + 2 * pairs.length;

    // The last player gets what the others leave, so that the values add up.
    const columns = players - 1;
    const x = new Float64Array(pairs.length * columns);
    const y = new Float64Array(pairs.length * outputs);
    for (const [row, { coalition }] of pairs.entries()) {
      if (row % DRAWS_PER_STEP === DRAWS_PER_STEP - 1) await checkpoint();
      const last = coalition[columns] as number;
      for (let i = 0; i < columns; i++) x[row * columns + i] = (coalition[i] as number) - last;
      const own = 2 * row * outputs;
      for (let output = 0; output < outputs; output++)
        y[row * outputs + output] =
          ((found[own + output] as number) -
            (found[own + outputs + output] as number) -
            (2 * last - 1) * (differences[output] as number)) /
          2;
    }
    const weights = Float64Array.from(pairs, ({ weight }) => weight);
    const draws = pairs.map(({ draws: times }) => times);
    const sampled = { columns, targets: outputs, x, y, weights, draws };
    const fit = await fitWeighted(sampled, 0, checkpoint);
    const values = new Float64Array(players * outputs);
    values.set(fit.coefficients);
    for (let output = 0; output < outputs; output++) {
      let rest = differences[output] as number;
      for (let i = 0; i < columns; i++) rest -= values[i * outputs + output] as number;
      values[columns * outputs + output] = rest;
    }
    const exact = pairs.every((pair) => pair.draws === 0);
    if (exact) return { values, base, full, exact, coalitions };
    const standardErrors = new Float64Array(players * outputs);
    standardErrors.set(fit.standardErrors);
    standardErrors.set(fit.sumErrors, columns * outputs);
    return { values, standardErrors, base, full, coalitions };
  },
};

/** @param count how many pairs are evaluated, at most */
async function choosePairs(
  players: number,
  count: number,
  random: Random,
  checkpoint: Call["checkpoint"],
): Promise<Pair[]> {
  const sizes = pairSizes(players);
  const pairs: Pair[] = [];
  let rest = sizes.reduce((sum, { weight }) => sum + weight, 0);
  while (sizes[0]) {
    const { size, weight, pairs: ofSize } = sizes[0];
    const left = count - pairs.length;
    const isWorthIt = ofSize <= left && (size === 1 || (left * weight) / rest >= ofSize);
    if (!isWorthIt) break;
    // Of the middle size, a pair is two of the combinations.
    for (const coalition of combinations(players, size))
      if (2 * size < players || coalition[0] === 1)
        pairs.push({ coalition, weight: weight / ofSize, draws: 0 });
    rest -= weight;
    sizes.shift();
    await checkpoint();
  }
  if (sizes.length === 0) return pairs;

  const drawn = new Map<string, Pair>();
  const wanted = count - pairs.length;
  const order = new Int32Array(players);
  let draws = 0;
  for (; drawn.size < wanted && draws < MAX_DRAWS * wanted; draws++) {
    if (draws % DRAWS_PER_STEP === DRAWS_PER_STEP - 1) await checkpoint();
    const size = drawSize(sizes, rest, random);
    let coalition = nobody(players);
    shuffleNumbers(order, random);
    for (let at = 0; at < size; at++) coalition[order[at] as number] = 1;
    if (2 * size === players && coalition[0] === 0) coalition = complement(coalition);
    const key = keyOf(coalition);
    const pair = drawn.get(key) ?? { coalition, weight: 0, draws: 0 };
    pair.draws += 1;
    drawn.set(key, pair);
  }
  for (const pair of drawn.values()) pair.weight = (rest * pair.draws) / draws;
  return [...pairs, ...drawn.values()];
}

interface PairSize {
  /** Of the smaller coalition. */
  readonly size: number;
  readonly pairs: number;
  /** Of all of them together. */
  readonly weight: number;
}

function pairSizes(players: number): PairSize[] {
  return Array.from({ length: Math.floor(players / 2) }, (_, index) => {
    const size = index + 1;
    const isMiddle = 2 * size === players;
    const weight = (players - 1) / (size * (players - size));
    const count = binomial(players, size);
    return isMiddle
      ? { size, pairs: count / 2, weight }
      : { size, pairs: count, weight: 2 * weight };
  });
}

function drawSize(sizes: readonly PairSize[], total: number, random: Random): number {
  let at = random() * total;
  for (const { size, weight } of sizes) {
    at -= weight;
    if (at < 0) return size;
  }
  return sizes.at(-1)?.size ?? 1;
}

function* combinations(players: number, size: number): Generator<Coalition> {
  const chosen = Array.from({ length: size }, (_, index) => index);
  for (;;) {
    const coalition = nobody(players);
    for (const player of chosen) coalition[player] = 1;
    yield coalition;
    let at = size - 1;
    while (at >= 0 && chosen[at] === players - size + at) at--;
    if (at < 0) return;
    (chosen[at] as number)++;
    for (let next = at + 1; next < size; next++) chosen[next] = (chosen[next - 1] as number) + 1;
  }
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let index = 1; index <= k; index++) result = (result * (n - k + index)) / index;
  return result;
}

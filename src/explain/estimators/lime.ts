import { ApiError } from "../../domain/errors.ts";
import type { Estimator } from "../estimator.ts";
import type { Coalition } from "../game.ts";
import { everybody, KnownValues } from "./known-values.ts";
import { fitSurrogate } from "./surrogate.ts";
import { MAX_ROW_NUMBERS } from "./weighted-regression.ts";

/** How near a coalition is to that of all players. */
export type CoalitionDistance = "cosine" | "euclidean";

export interface LimeOptions {
  /** `cosine` of texts and pictures, `euclidean` of tables. */
  readonly distance: CoalitionDistance;
  /** By the number of players. */
  readonly kernelWidth: (players: number) => number;
  /** How many coalitions are drawn; as many as there may be when left out. */
  readonly samples?: number | undefined;
}

/** Of the package lime for texts and pictures (its `kernel_width` of 25 is for 100 times the distance). */
export const COSINE_KERNEL_WIDTH = 0.25;

/**
 * LIME: a ridge regression on the presence of the players, of coalitions in which each is present by an even chance, weighted by how near
 * they are to that of all. Its values are coefficients and not Shapley values; the base is the intercept, so that the additivity error
 * is how far the regression is from the game at all players.
 * Source: Ribeiro, Singh and Guestrin, "Why Should I Trust You?", KDD 2016; the package lime 0.2.
 */
export function createLimeEstimator({
  distance,
  kernelWidth,
  samples: wanted,
}: LimeOptions): Estimator {
  return {
    name: "lime",
    exact: false,
    minCoalitions(players) {
      if (wanted !== undefined) refuseSamples(wanted, players);
      return wanted ?? players + 2;
    },
    countCoalitions: (players, maxCoalitions) =>
      wanted ?? Math.min(maxCoalitions, mostSamples(players)),
    async estimate(game, { maxCoalitions, random, checkpoint }) {
      const { players, outputs } = game;
      const known = new KnownValues(game);
      if (players === 0) {
        const full = await game.evaluate([everybody(0)]);
        return { values: new Float64Array(), base: full, full, coalitions: 1 };
      }
      const samples: Coalition[] = Array.from({ length: maxCoalitions }, (_, index) =>
        index === 0
          ? everybody(players)
          : Uint8Array.from({ length: players }, () => Math.floor(2 * random())),
      );
      const found = await known.learn(samples);
      const width = kernelWidth(players);
      const x = new Float64Array(samples.length * players);
      const y = new Float64Array(samples.length * outputs);
      const weights = new Float64Array(samples.length);
      for (const [row, sample] of samples.entries()) {
        x.set(sample, row * players);
        y.set(found[row] as Float64Array, row * outputs);
        weights[row] = toWeight(toDistance(distance, sample), width);
      }
      refuseWeights(weights, width);
      const rows = { columns: players, targets: outputs, x, y, weights };
      const { coefficients, standardErrors, intercepts } = await fitSurrogate(rows, checkpoint);
      return {
        values: coefficients,
        standardErrors,
        base: intercepts,
        // The first sample is the input.
        full: found[0] as Float64Array,
        coalitions: known.evaluated,
      };
    },
  };
}

/** What a regression has memory for. */
export function mostSamples(players: number): number {
  return Math.max(Math.floor(MAX_ROW_NUMBERS / players), players + 2);
}

/** @throws ApiError `invalid_request` for more samples than there is memory for */
export function refuseSamples(samples: number, players: number): void {
  const limit = mostSamples(players);
  if (samples <= limit) return;
  throw new ApiError(
    "invalid_request",
    `"parameters.samples" must be at most ${limit} for ${players} features; got ${samples}.`,
    { details: { field: "parameters.samples", limit, actual: samples } },
  );
}

/**
 * Below what the samples that differ from the input weigh together, the ridge regression answers zeros, whatever the model does: its own
 * strength is 1.
 */
const LEAST_WEIGHT = 1e-3;

/**
 * @param weights of samples; those of samples that equal the input are 1
 * @throws ApiError `invalid_request` where no sample counts that differs from the input
 */
export function refuseWeights(weights: Float64Array, width: number): void {
  let sum = 0;
  let differing = 0;
  for (const weight of weights) {
    if (weight === 1) continue;
    sum += weight;
    differing += 1;
  }
  if (differing === 0 || sum >= LEAST_WEIGHT) return;
  throw new ApiError(
    "invalid_request",
    `"parameters.kernel_width" of ${width} is too small: the ${differing} samples that differ from the input weigh ${sum.toPrecision(2)} together, so that the model's answers to them would not count. Send a larger one, or leave it out.`,
    { details: { field: "parameters.kernel_width", actual: width } },
  );
}

/** The package's kernel. */
export function toWeight(distance: number, width: number): number {
  return Math.sqrt(Math.exp(-(distance ** 2) / width ** 2));
}

/** From the coalition of all players. */
function toDistance(distance: CoalitionDistance, coalition: Coalition): number {
  const present = coalition.reduce((sum, known) => sum + known, 0);
  if (distance === "euclidean") return Math.sqrt(coalition.length - present);
  return present === 0 ? 1 : 1 - Math.sqrt(present / coalition.length);
}

import type { Call } from "../domain/call.ts";
import type { Random } from "../shared/random.ts";
import type { Game } from "./game.ts";

/** What each player has added to the value of the whole game. */
export interface Estimate {
  /** Player by player: `players` times `outputs`. */
  readonly values: Float64Array;
  /** In the order of `values`; absent where nothing was sampled. */
  readonly standardErrors?: Float64Array | undefined;
  /** Without any player: `outputs` numbers. */
  readonly base: Float64Array;
  /** With all players: `outputs` numbers. */
  readonly full: Float64Array;
  /** Whether nothing was drawn, as an estimator that draws had the runs for all coalitions; that of the estimator when left out. */
  readonly exact?: boolean | undefined;
  /** That were evaluated. */
  readonly coalitions: number;
}

export interface EstimatorOptions {
  /** That may be evaluated. */
  readonly maxCoalitions: number;
  /** Numbers from 0 (inclusive) to 1 (exclusive), the same ones for the same seed. */
  readonly random: Random;
  /** {@link Call.checkpoint}, awaited between two pieces of work of its own. */
  readonly checkpoint: Call["checkpoint"];
}

/** Explains games, whatever their players are. */
export interface Estimator {
  readonly name: string;
  readonly exact: boolean;
  /** The fewest coalitions that it can work with. */
  minCoalitions(players: number): number;
  /** How many coalitions it will evaluate, at most `maxCoalitions`. */
  countCoalitions(players: number, maxCoalitions: number): number;
  /** @throws ApiError of the game */
  estimate(game: Game, options: EstimatorOptions): Promise<Estimate>;
}

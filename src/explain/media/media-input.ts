import { ApiError } from "../../domain/errors.ts";
import type { ExplanationSpace, FeatureData } from "../../domain/explanation/explanation.ts";
import type { ChosenOutputs } from "../choose-outputs.ts";
import type { Game } from "../game.ts";

/** A text, a picture or a sound as a game, with what an answer says of its players. */
export interface MediaInput {
  readonly game: Game;
  readonly space: ExplanationSpace;
  readonly outputs: ChosenOutputs;
  readonly featureNames: readonly string[];
  readonly data: readonly FeatureData[];
  /** Rows that the model was run for until now: to know the value of all players, and what comes before it. */
  readonly openedRuns: number;
  /** Rows of a sampled method, when the request does not say how many. */
  readonly defaultRuns: number;
  /** Tokens that a run reads, where a run is a text that is read token by token. */
  readonly tokensPerRun?: number;
  /**
   * What the answer has beside: where the players are.
   * @param values as the answer has them: a number a player, or a list of one for each output
   */
  place(values: PlayerValues): object;
  /** Makes the answer of several explanations, one for each output; one answer of all outputs when left out. */
  readonly separate?: ((explanations: readonly object[]) => object) | undefined;
}

export type PlayerValues = readonly number[] | readonly (readonly number[])[];

/** Of the features of one input. Some methods take memory and time that grow with the square or the cube. */
export const MAX_PLAYERS = 1024;

/** Of an input that is read token by token in each run: some seconds of a small model, minutes of a large one. */
const MAX_READ_TOKENS = 100_000;

/** @throws ApiError `invalid_request` for more tokens in all runs than may be read */
export function checkReadTokens({ tokensPerRun = 0 }: MediaInput, runs: number): void {
  const actual = tokensPerRun * runs;
  if (actual <= MAX_READ_TOKENS) return;
  throw new ApiError(
    "invalid_request",
    `The explanation needs ${runs} runs, each of which reads ${tokensPerRun} tokens: ${actual} together, and at most ${MAX_READ_TOKENS} are read. Explain a shorter prompt, or send max_runs of at most ${Math.floor(MAX_READ_TOKENS / tokensPerRun)} with a method that samples.`,
    { details: { field: "parameters.max_runs", limit: MAX_READ_TOKENS, actual } },
  );
}

/** @throws ApiError `invalid_input` for none, and for more than may be explained */
export function checkPlayers(count: number, what: string): void {
  if (count >= 1 && count <= MAX_PLAYERS) return;
  throw new ApiError(
    "invalid_input",
    count < 1
      ? `The input has no ${what} that could be explained.`
      : `The input has ${count} ${what}: at most ${MAX_PLAYERS} are explained. Send a part of it.`,
    { details: { maxFeatures: MAX_PLAYERS, actual: count } },
  );
}

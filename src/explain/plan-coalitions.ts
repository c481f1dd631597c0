import { ApiError } from "../domain/errors.ts";
import type { Estimator } from "./estimator.ts";
import type { ExplanationRequest } from "./method.ts";

/** Rows that a sampled method runs when the request does not say how many. */
export const DEFAULT_MAX_RUNS = 20_000;

export interface PlannedCoalitions {
  readonly maxCoalitions: number;
  /** Rows of the model, at most. */
  readonly runs: number;
}

/**
 * How many coalitions an estimator may evaluate within the rows that a request may take.
 * @param players of the game
 * @param runsPerCoalition rows of a coalition; that of all players takes one, as the input is known
 * @throws ApiError `invalid_request` when the least that the estimator needs is more
 */
export function planCoalitions(
  estimator: Estimator,
  players: number,
  runsPerCoalition: number,
  { maxRuns, limit }: Pick<ExplanationRequest, "maxRuns" | "limit">,
): PlannedCoalitions {
  const least = 1 + (estimator.minCoalitions(players) - 1) * runsPerCoalition;
  const budget = Math.min(maxRuns ?? Math.max(DEFAULT_MAX_RUNS, least), limit);
  if (least > budget) {
    const bound = maxRuns !== undefined && maxRuns < limit ? "max_runs" : "a request";
    throw new ApiError(
      "invalid_request",
      `The method ${estimator.name} needs ${least} runs at least for ${players} features, each of its coalitions ${runsPerCoalition}; ${bound} permits ${budget}. ${runsPerCoalition > 1 ? "Send fewer background_rows" : "Explain fewer features"}${least <= limit ? `, or max_runs of ${least}` : ""}.`,
      { details: { field: "max_runs", needed: least, limit: budget } },
    );
  }
  const affordable = 1 + Math.floor((budget - 1) / runsPerCoalition);
  const maxCoalitions = estimator.countCoalitions(players, affordable);
  return { maxCoalitions, runs: 1 + (maxCoalitions - 1) * runsPerCoalition };
}

import { ApiError } from "../domain/errors.ts";
import type { Estimator } from "./estimator.ts";
import type { ExplanationRequest } from "./method.ts";

/** Rows that a sampled method runs when the request does not say how many. */
export const DEFAULT_MAX_RUNS = 20_000;

/** The runs that a request may take, and what a client can do who needs fewer. */
export interface RunLimits extends Pick<ExplanationRequest, "maxRuns" | "limit"> {
  readonly advice?: string | undefined;
}

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
  { maxRuns, limit, advice }: RunLimits,
): PlannedCoalitions {
  const least = 1 + (estimator.minCoalitions(players) - 1) * runsPerCoalition;
  const budget = Math.min(maxRuns ?? Math.max(DEFAULT_MAX_RUNS, least), limit);
  refuseRuns(
    estimator.name,
    least,
    { maxRuns: budget, limit, advice },
    `for ${players} features, each of its coalitions ${runsPerCoalition}`,
  );
  const affordable = 1 + Math.floor((budget - 1) / runsPerCoalition);
  const maxCoalitions = estimator.countCoalitions(players, affordable);
  return { maxCoalitions, runs: 1 + (maxCoalitions - 1) * runsPerCoalition };
}

/**
 * @param needed rows that a method runs at least
 * @param why as the end of "needs 500 runs at least"
 * @throws ApiError `invalid_request` when a request may not have so many
 */
export function refuseRuns(
  method: string,
  needed: number,
  { maxRuns, limit, advice = "Send fewer background_rows or inputs" }: RunLimits,
  why = "",
): void {
  const allowed = Math.min(maxRuns ?? limit, limit);
  if (needed <= allowed) return;
  const isOfRequest = maxRuns !== undefined && maxRuns < limit;
  const more = isOfRequest && needed <= limit ? `, or max_runs of ${needed}` : "";
  throw new ApiError(
    "invalid_request",
    `The method ${method} needs ${needed} runs of the model at least${why && ` ${why}`}; ${isOfRequest ? "max_runs" : "an input of the request"} permits ${allowed}. ${advice}${more}.`,
    { details: { field: "parameters.max_runs", needed, limit: allowed } },
  );
}

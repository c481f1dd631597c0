import { ApiError } from "../../domain/errors.ts";
import { exactEstimator, MAX_EXACT_PLAYERS } from "../estimators/exact.ts";
import { mediaParametersSchema } from "../media/media-parameters.ts";
import { explainsParts } from "../media/open-media.ts";
import { type MediaMethod, planMedia } from "../media/plan-media.ts";
import type { ExplanationMethod, ExplanationRequest } from "../method.ts";
import { DEFAULT_MAX_RUNS, planCoalitions } from "../plan-coalitions.ts";
import { openTable } from "../table/explained-table.ts";
import { planTableGame, type TableGameMethod } from "../table/plan-table-game.ts";
import { varyingColumns } from "../table/table-game.ts";
import { isTable } from "../table/table-reader.ts";

const METHOD: TableGameMethod & MediaMethod = {
  name: "exact",
  exact: true,
  inSegments: true,
  estimator(players) {
    if (players <= MAX_EXACT_PLAYERS) return exactEstimator;
    throw tooManyPlayers(
      `the row has ${players} that differ from the background. Use kernel or permutation, which sample, or linear or tree where the model is one`,
      players,
      ["kernel", "permutation", "linear", "tree"],
    );
  },
};

const OF_PARTS: MediaMethod = {
  ...METHOD,
  estimator(players) {
    if (players <= MAX_EXACT_PLAYERS) return exactEstimator;
    throw tooManyPlayers(
      `the input has ${players} parts. Use shapley, kernel or permutation, which sample, or fewer parts (a shorter text, a coarser grid, longer windows)`,
      players,
      ["shapley", "kernel", "permutation", "occlusion"],
    );
  },
};

function tooManyPlayers(why: string, actual: number, valid: readonly string[]): ApiError {
  return new ApiError(
    "invalid_request",
    `The method exact enumerates all coalitions of at most ${MAX_EXACT_PLAYERS} features; ${why}.`,
    { details: { field: "parameters.method", actual, limit: MAX_EXACT_PLAYERS, valid } },
  );
}

/** Shapley values by enumeration. */
export const exactMethod: ExplanationMethod<typeof mediaParametersSchema> = {
  name: "exact",
  summary: `Shapley values of every coalition of at most ${MAX_EXACT_PLAYERS} features.`,
  exact: true,
  isGlobal: false,
  parameters: mediaParametersSchema,
  plan: (request) =>
    explainsParts(request) ? planMedia(OF_PARTS, request) : planTableGame(METHOD, request),
  async suits(request) {
    if (!isTable(request.version.model.manifest)) return false;
    const players = await countPlayers(request);
    if (players === undefined || players.count > MAX_EXACT_PLAYERS) return false;
    const { limit, maxRuns = Math.min(DEFAULT_MAX_RUNS, limit) } = request;
    try {
      planCoalitions(exactEstimator, players.count, players.rows, { limit, maxRuns });
      return true;
    } catch {
      return false;
    }
  },
};

/** `undefined` where the row or the background cannot be read, which another method says as well. */
async function countPlayers(
  request: ExplanationRequest,
): Promise<{ readonly count: number; readonly rows: number } | undefined> {
  try {
    const { row, background } = await openTable(request);
    return { count: varyingColumns(row, background).length, rows: background.rows };
  } catch (error) {
    if (error instanceof ApiError && error.kind.status === 400) return undefined;
    throw error;
  }
}

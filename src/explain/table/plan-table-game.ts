import { createSeededRandom } from "../../shared/random.ts";
import type { Estimator } from "../estimator.ts";
import type { ExplanationRequest, PlannedExplanation } from "../method.ts";
import { planCoalitions } from "../plan-coalitions.ts";
import { toExplanation } from "../to-explanation.ts";
import { type ExplainedTable, openTable, predictRow } from "./explained-table.ts";
import { createTableGame, varyingColumns } from "./table-game.ts";

/** What a game of a table is explained by. */
export interface TableGameMethod {
  readonly name: string;
  readonly exact: boolean;
  /** By the number of players. @throws ApiError `invalid_request` for too many of them */
  estimator(players: number): Estimator;
}

/**
 * Explains a row as a game whose players are the columns that differ from the background.
 * @throws ApiError for what is not valid, and for more runs than there may be
 */
export async function planTableGame(
  method: TableGameMethod,
  request: ExplanationRequest,
): Promise<PlannedExplanation> {
  const table = await openTable(request);
  const { background, row, outputs } = table;
  const players = varyingColumns(row, background).length;
  const estimator = method.estimator(players);
  const { maxCoalitions, runs } = planCoalitions(estimator, players, background.rows, request);
  return {
    space: outputs.space,
    runs,
    explain: () => explainTable(method, estimator, table, maxCoalitions, request),
  };
}

async function explainTable(
  { name, exact: isExact }: TableGameMethod,
  estimator: Estimator,
  table: ExplainedTable,
  maxCoalitions: number,
  { version, output, seed }: ExplanationRequest,
): Promise<object> {
  const { row, background, outputs } = table;
  const predicted = await predictRow(table, output);
  const { indices } = predicted.chosen;
  const game = createTableGame({ ...table, outputs: indices, full: predicted.values });
  const found = await estimator.estimate(game, {
    maxCoalitions,
    random: createSeededRandom(seed),
    checkpoint: () => version.call.checkpoint(),
  });
  const { values, standardErrors, base, full, coalitions, exact = isExact } = found;
  /** Columns that are no players add nothing. */
  const ofColumns = (ofPlayers: Float64Array): Float64Array => {
    const all = new Float64Array(row.columns * indices.length);
    for (const [player, column] of game.playerColumns.entries())
      for (let at = 0; at < indices.length; at++)
        all[column * indices.length + at] = ofPlayers[player * indices.length + at] as number;
    return all;
  };
  return toExplanation({
    method: name,
    exact,
    space: outputs.space,
    outputs: predicted.chosen,
    featureNames: row.featureNames,
    data: row.data[0] ?? [],
    base,
    output: full,
    values: ofColumns(values),
    standardErrors: standardErrors && ofColumns(standardErrors),
    // The coalition of all players is the row itself.
    runs: 1 + (coalitions - 1) * background.rows,
    seed: exact && !background.isDrawn ? undefined : seed,
  });
}

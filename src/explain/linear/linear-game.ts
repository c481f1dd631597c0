import type { Coalition, Game } from "../game.ts";
import type { Links } from "../graph/explainable-graph.ts";
import { applyLink, marginsOf } from "../trees/link-multipliers.ts";

export interface LinearGameOptions {
  /** What no column adds to the scores. */
  readonly constants: Float64Array;
  /** Of the row that is explained: `columns` times `targets`. */
  readonly row: Float64Array;
  readonly background: readonly Float64Array[];
  readonly links: Links;
  /** Indices of the outputs that are explained. */
  readonly outputs: readonly number[];
  /** The columns that are players. */
  readonly columns: readonly number[];
}

/**
 * The game whose values are a linear model's outputs, which are no sums: v(S) is their mean over the background, with the row's values
 * in the columns of S. Nothing is run.
 */
export function createLinearGame(options: LinearGameOptions): Game {
  const { constants, row, background, links, outputs, columns } = options;
  const targets = constants.length;
  const players = new Set(columns);
  /** What all other columns add, by background row: as much as in the row. */
  const rest = background.map((own) => {
    const scores = constants.slice();
    for (let at = 0; at < own.length; at++)
      if (!players.has(Math.floor(at / targets)))
        (scores[at % targets] as number) += own[at] as number;
    return scores;
  });
  const addValue = (coalition: Coalition, into: Float64Array, offset: number): void => {
    for (const [index, own] of background.entries()) {
      const scores = (rest[index] as Float64Array).slice();
      for (const [player, column] of columns.entries()) {
        const values = coalition[player] === 1 ? row : own;
        for (let target = 0; target < targets; target++)
          (scores[target] as number) += values[column * targets + target] as number;
      }
      const found = applyLink(links.link, marginsOf(links, scores));
      for (const [at, output] of outputs.entries())
        (into[offset + at] as number) += (found[output] ?? 0) / background.length;
    }
  };
  return {
    players: columns.length,
    outputs: outputs.length,
    runsPerCoalition: 0,
    async evaluate(coalitions) {
      const values = new Float64Array(coalitions.length * outputs.length);
      for (const [index, coalition] of coalitions.entries())
        addValue(coalition, values, index * outputs.length);
      return values;
    },
  };
}

/** The columns that add something else in the row than in one of the background rows. */
export function differingColumns(
  row: Float64Array,
  background: readonly Float64Array[],
  targets: number,
): number[] {
  const columns: number[] = [];
  for (let column = 0; column * targets < row.length; column++) {
    const [start, end] = [column * targets, (column + 1) * targets];
    const differs = background.some((own) => {
      for (let at = start; at < end; at++) if (own[at] !== row[at]) return true;
      return false;
    });
    if (differs) columns.push(column);
  }
  return columns;
}

import type { TypedArray } from "../../domain/datatype.ts";
import type { Coalition, Game } from "../game.ts";
import type { TableModel } from "./table-model.ts";
import type { Table, TableReader } from "./table-reader.ts";

/** A row whose columns are the players; those that are not known have the values of background rows, over which the outputs are averaged. */
export interface TableGame extends Game {
  /** The column of each player: one that has the same value in the row and in all of the background adds nothing, and is no player. */
  readonly playerColumns: readonly number[];
}

export interface TableGameOptions {
  readonly model: TableModel;
  readonly reader: Pick<TableReader, "toTyped">;
  readonly row: Table;
  readonly background: Table;
  /** Indices of the outputs that are explained. */
  readonly outputs: readonly number[];
  /** Of the row: the value of the coalition of all players. */
  readonly full: ArrayLike<number>;
}

/**
 * The game of interventional Shapley values: v(S) is the mean output over the background, with the row's values in the columns of S.
 * Source: Janzing, Minorics and Bloebaum, Feature relevance quantification in explainable AI, AISTATS 2020.
 */
export function createTableGame(options: TableGameOptions): TableGame {
  const { model, reader, row, background, outputs, full } = options;
  const { columns } = row;
  const playerColumns = varyingColumns(row, background);
  const own = reader.toTyped(row.values);
  const others = reader.toTyped(background.values);
  const rows = background.rows;
  const rest = Array.from(outputs, (output) => full[output] ?? 0);

  /** Writes background rows with the row's values in the columns of a coalition: of these and the other columns, the fewer ones by themselves. */
  function mix(
    coalition: Coalition,
    into: TypedArray,
    offset: number,
    firstRow: number,
    count: number,
  ): void {
    const end = offset + count * columns;
    const start = firstRow * columns;
    let known = 0;
    for (let player = 0; player < coalition.length; player++) known += coalition[player] as number;
    if (2 * known <= coalition.length) {
      into.set(others.subarray(start, start + count * columns) as never, offset);
      for (let player = 0; player < coalition.length; player++) {
        if (coalition[player] === 0) continue;
        const column = playerColumns[player] as number;
        const value = own[column] as never;
        for (let to = offset + column; to < end; to += columns) into[to] = value;
      }
      return;
    }
    // Columns that are no players have the same value in the row and in the background.
    into.set(own as never, offset);
    for (let done = columns; done < count * columns; done *= 2)
      into.copyWithin(offset + done, offset, Math.min(offset + done, end - done));
    for (let player = 0; player < coalition.length; player++) {
      if (coalition[player] === 1) continue;
      const column = playerColumns[player] as number;
      for (
        let to = offset + column, from = start + column;
        to < end;
        to += columns, from += columns
      )
        into[to] = others[from] as never;
    }
  }

  async function evaluate(coalitions: readonly Coalition[]): Promise<Float64Array> {
    const values = new Float64Array(coalitions.length * outputs.length);
    const unknown: number[] = [];
    for (const [index, coalition] of coalitions.entries())
      if (coalition.every((known) => known === 1)) values.set(rest, index * outputs.length);
      else unknown.push(index);
    const coalitionAt = (at: number): number => unknown[Math.floor(at / rows)] as number;
    await model.predictFrom({
      rows: unknown.length * rows,
      columns,
      fill(into, first, count) {
        // The rows of one coalition are those of the background, one after the other.
        for (let at = first; at < first + count; ) {
          const coalition = coalitions[coalitionAt(at)] as Coalition;
          const length = Math.min(rows - (at % rows), first + count - at);
          mix(coalition, into, (at - first) * columns, at % rows, length);
          at += length;
        }
      },
      take({ values: found, width }, first, count) {
        for (let at = first; at < first + count; ) {
          const length = Math.min(rows - (at % rows), first + count - at);
          const start = (at - first) * width;
          for (let index = 0; index < outputs.length; index++) {
            let sum = 0;
            const end = start + length * width;
            for (let from = start + (outputs[index] as number); from < end; from += width)
              sum += found[from] as number;
            (values[coalitionAt(at) * outputs.length + index] as number) += sum / rows;
          }
          at += length;
        }
      },
    });
    return values;
  }

  return {
    players: playerColumns.length,
    outputs: outputs.length,
    runsPerCoalition: rows,
    playerColumns,
    evaluate,
  };
}

/** The columns in which a row differs from the background. */
export function varyingColumns(row: Table, background: Table): number[] {
  const varying: number[] = [];
  for (let column = 0; column < row.columns; column++) {
    const value = row.values[column];
    for (let at = column; at < background.values.length; at += row.columns)
      // NaN is a missing value, the same as another one.
      if (!Object.is(background.values[at], value) && background.values[at] !== value) {
        varying.push(column);
        break;
      }
  }
  return varying;
}

import { type CompiledForest, type Features, scoresOf } from "./compiled-forest.ts";
import { createLeafTables, type LeafTable, TableWalk } from "./leaf-tables.ts";
import { TreeWalk } from "./tree-walk.ts";

/** Rows explained with the same background until tables of it are worth their making. */
const ROWS_BEFORE_TABLES = 1;

export interface Tables {
  readonly walk: TableWalk;
  /** By tree. */
  readonly byTree: readonly (LeafTable | undefined)[];
}

/** Background rows as one forest sees them, and what is known of them. */
export class TreeBackground {
  readonly rows: readonly Features[];
  /** By row: the scores of all targets. */
  readonly scores: readonly Float64Array[];
  readonly walk: TreeWalk;
  readonly #forest: CompiledForest;
  #explained = 0;
  #tables: Promise<Tables | undefined> | undefined;

  private constructor(
    forest: CompiledForest,
    rows: readonly Features[],
    scores: readonly Float64Array[],
  ) {
    this.#forest = forest;
    this.rows = rows;
    this.scores = scores;
    this.walk = new TreeWalk(forest);
  }

  /** @param rows at least one */
  static async create(
    forest: CompiledForest,
    rows: readonly Features[],
    checkpoint: () => Promise<void>,
  ): Promise<TreeBackground> {
    const scores: Float64Array[] = [];
    for (const row of rows) {
      scores.push(scoresOf(forest, row));
      await checkpoint();
    }
    return new TreeBackground(forest, rows, scores);
  }

  /** Made for the second row that is explained. @returns `undefined` before */
  async tables(checkpoint: () => Promise<void>): Promise<Tables | undefined> {
    this.#explained += 1;
    if (this.#explained <= ROWS_BEFORE_TABLES) return undefined;
    this.#tables ??= this.#create(checkpoint).catch(() => {
      // Of a request that has ended: a later one makes them.
      this.#tables = undefined;
      return undefined;
    });
    return await this.#tables;
  }

  async #create(checkpoint: () => Promise<void>): Promise<Tables> {
    const bits = new Uint8Array(this.#forest.feature.length);
    const { rows, walk } = this;
    const byTree = await createLeafTables(this.#forest, rows, walk, bits, checkpoint);
    return { walk: new TableWalk(this.#forest, bits), byTree };
  }
}

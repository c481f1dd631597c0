import { type CompiledForest, type Features, scoresOf } from "./compiled-forest.ts";
import { createLeafTables, type LeafTable, TableWalk } from "./leaf-tables.ts";
import { createPace } from "./pace.ts";
import { TreeWalk } from "./tree-walk.ts";

/** Background rows as one forest sees them, and what is known of them. */
export interface TreeBackground {
  readonly rows: readonly Features[];
  /** By row: the scores of all targets. */
  readonly scores: readonly Float64Array[];
  readonly walk: TreeWalk;
  /** `undefined` where they were not worth their making. */
  readonly tables: LeafTables | undefined;
}

export interface LeafTables {
  readonly walk: TableWalk;
  /** By tree. */
  readonly byTree: readonly (LeafTable | undefined)[];
}

/**
 * @param rows at least one
 * @param withTables for a background that many rows will be explained with: it takes as long as to explain about ten of them
 */
export async function createTreeBackground(
  forest: CompiledForest,
  rows: readonly Features[],
  withTables: boolean,
  checkpoint: () => Promise<void>,
): Promise<TreeBackground> {
  const isDue = createPace();
  const scores: Float64Array[] = [];
  for (const row of rows) {
    scores.push(scoresOf(forest, row));
    if (isDue(forest.roots.length * 8)) await checkpoint();
  }
  const walk = new TreeWalk(forest);
  if (!withTables) return { rows, scores, walk, tables: undefined };
  const bits = new Uint8Array(forest.feature.length);
  const byTree = await createLeafTables(forest, rows, walk, bits, checkpoint);
  return { rows, scores, walk, tables: { walk: new TableWalk(forest, bits), byTree } };
}

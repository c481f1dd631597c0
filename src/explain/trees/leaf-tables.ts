import { type CompiledForest, type Features, holds } from "./compiled-forest.ts";
import { createShapleyWeights, type ShapleyWeights } from "./shapley-weights.ts";
import type { TreeWalk } from "./tree-walk.ts";

/** Columns of a leaf that fit in the bits of a number. */
const MAX_BITS = 31;
/** Masks of one forest's tables, with their counts: 8 MiB. */
const MAX_MASKS = 1_048_576;
/** Leaves times background rows of one tree: about 10 ms of work. */
const MAX_CELLS = 262_144;
/** A node is visited in two to three times the time that a mask is compared in (measured: 14 and 5 ns), and a table is to be made first. */
const MASKS_PER_VISIT = 1;
/** Pairs of background rows that say how many nodes of a tree a walk visits. */
const PROBES = 8;

/**
 * What the background rows have in common at the leaves of a tree. A leaf has one bit for each column on its path, which is
 * set for a row that breaks a condition on that column. Rows with the same bits count as one.
 */
export interface LeafTable {
  readonly root: number;
  /** By leaf, in the order of a walk that takes first branches first: where its columns and its masks begin. */
  readonly columnStart: Int32Array;
  readonly maskStart: Int32Array;
  /** By bit of each leaf. */
  readonly columns: Int32Array;
  readonly masks: Int32Array;
  /** How many rows have a mask. */
  readonly counts: Int32Array;
}

/** Bits of the nodes on the way to each leaf. */
interface LeafPaths {
  /** Leaves in the order of the walk. */
  readonly leaves: readonly number[];
  readonly columnStart: Int32Array;
  readonly columns: Int32Array;
}

/** By node: the bit of its column among those of its path. */
export type NodeBits = Uint8Array;

/**
 * Makes tables for the trees that they are worth it for: where a walk for each background row visits more nodes than there
 * are masks to compare.
 * @returns by tree
 */
export async function createLeafTables(
  forest: CompiledForest,
  background: readonly Features[],
  walk: TreeWalk,
  bits: NodeBits,
  checkpoint: () => Promise<void>,
): Promise<readonly (LeafTable | undefined)[]> {
  const tables: (LeafTable | undefined)[] = [];
  let room = MAX_MASKS;
  /** Leaves and masks of the trees until now, which tell what others will have. */
  const seen = { leaves: 0, masks: 0 };
  for (let tree = 0; tree < forest.roots.length; tree++) {
    const leaves = leavesOf(forest, tree);
    let table: LeafTable | undefined;
    if (leaves * background.length <= MAX_CELLS) {
      const root = forest.roots[tree] as number;
      const worth = MASKS_PER_VISIT * visitsOf(root, background, walk, forest.columns);
      const limit = Math.min(worth, room);
      const likely = seen.leaves > 0 ? (leaves * seen.masks) / seen.leaves : leaves;
      if (likely <= limit) table = createLeafTable(forest, root, background, bits);
      seen.leaves += table ? leaves : 0;
      seen.masks += table?.masks.length ?? 0;
      if (table && table.masks.length > limit) table = undefined;
      room -= table?.masks.length ?? 0;
    }
    tables.push(table);
    await checkpoint();
  }
  return tables;
}

/** A tree has one leaf more than it has nodes with branches. */
function leavesOf(forest: CompiledForest, tree: number): number {
  return ((forest.treeNodes[tree] as number) + 1) / 2;
}

/** Nodes that a walk visits for all background rows together, about. */
function visitsOf(
  root: number,
  background: readonly Features[],
  walk: TreeWalk,
  columns: number,
): number {
  const rows = background.length;
  const probes = Math.min(PROBES, rows);
  const ignored = [new Float64Array(columns + 1)];
  const before = walk.visited;
  for (let probe = 0; probe < probes; probe++) {
    const place = Math.floor((probe * rows) / probes);
    const row = background[place] as Features;
    const other = background[(place + (rows >> 1)) % rows] as Features;
    walk.add(root, 0, row, [other], 0, ignored, Number.POSITIVE_INFINITY);
  }
  return ((walk.visited - before) / probes) * rows;
}

function createLeafTable(
  forest: CompiledForest,
  root: number,
  background: readonly Features[],
  bits: NodeBits,
): LeafTable | undefined {
  const paths = findPaths(forest, root, bits);
  if (!paths) return undefined;
  const { leaves, columnStart, columns } = paths;
  const rows = background.length;
  const all = new Int32Array(leaves.length * rows);
  for (const [row, features] of background.entries()) {
    let leaf = 0;
    visitLeaves(forest, root, bits, features, (_, mask) => {
      all[leaf * rows + row] = mask;
      leaf += 1;
    });
  }
  const maskStart = new Int32Array(leaves.length + 1);
  const masks: number[] = [];
  const counts: number[] = [];
  for (let leaf = 0; leaf < leaves.length; leaf++) {
    maskStart[leaf] = masks.length;
    const sorted = all.subarray(leaf * rows, (leaf + 1) * rows).sort();
    for (let row = 0; row < rows; ) {
      const mask = sorted[row] as number;
      const start = row;
      while (row < rows && sorted[row] === mask) row += 1;
      masks.push(mask);
      counts.push(row - start);
    }
  }
  maskStart[leaves.length] = masks.length;
  return {
    root,
    columnStart,
    maskStart,
    columns,
    masks: Int32Array.from(masks),
    counts: Int32Array.from(counts),
  };
}

/** Sets the bits of a tree's nodes. @returns `undefined` where a path has too many columns */
function findPaths(forest: CompiledForest, root: number, bits: NodeBits): LeafPaths | undefined {
  const { feature, first, second, columnOf } = forest;
  const leaves: number[] = [];
  const starts = [0];
  const columns: number[] = [];
  const pending: { node: number; path: readonly number[] }[] = [{ node: root, path: [] }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, path } = next;
    const index = feature[node] as number;
    if (index < 0) {
      leaves.push(node);
      for (const column of path) columns.push(column);
      starts.push(columns.length);
      continue;
    }
    const column = columnOf[index] as number;
    const known = path.indexOf(column);
    if (known < 0 && path.length === MAX_BITS) return undefined;
    bits[node] = known < 0 ? path.length : known;
    const longer = known < 0 ? [...path, column] : path;
    pending.push({ node: second[node] as number, path: longer });
    pending.push({ node: first[node] as number, path: longer });
  }
  return { leaves, columnStart: Int32Array.from(starts), columns: Int32Array.from(columns) };
}

function visitLeaves(
  forest: CompiledForest,
  root: number,
  bits: NodeBits,
  features: Features,
  visit: (leaf: number, mask: number) => void,
): void {
  const { feature, first, second } = forest;
  const pending = [root, 0];
  while (pending.length > 0) {
    const mask = pending.pop() as number;
    const node = pending.pop() as number;
    const index = feature[node] as number;
    if (index < 0) {
      visit(node, mask);
      continue;
    }
    const broken = mask | (1 << (bits[node] as number));
    const goes = holds(forest, node, features[index] as number);
    pending.push(second[node] as number, goes ? broken : mask);
    pending.push(first[node] as number, goes ? mask : broken);
  }
}

/** Adds Shapley values by tables. What it needs on the way is allocated once. */
export class TableWalk {
  readonly #forest: CompiledForest;
  readonly #bits: NodeBits;
  readonly #weights: ShapleyWeights;
  readonly #nodes: Int32Array;
  readonly #masks: Int32Array;
  readonly #shares = new Float64Array(MAX_BITS + 1);

  constructor(forest: CompiledForest, bits: NodeBits) {
    this.#forest = forest;
    this.#bits = bits;
    this.#weights = createShapleyWeights(Math.min(forest.pathColumns, MAX_BITS));
    // No table is made of a tree with more leaves, nor is one deeper than it has leaves.
    const depth = Math.min(forest.depth, MAX_CELLS);
    this.#nodes = new Int32Array(depth + 1);
    this.#masks = new Int32Array(depth + 1);
  }

  /**
   * Adds the Shapley values of one tree, summed over all background rows.
   * @param slotOf by target: its place in `values`, or -1
   * @param values by target that is explained: by column
   */
  add(table: LeafTable, slotOf: Int32Array, row: Features, values: readonly Float64Array[]): void {
    const forest = this.#forest;
    const { feature, threshold, first, second, kind, isPlain } = forest;
    const bits = this.#bits;
    const nodes = this.#nodes;
    const broken = this.#masks;
    let leaf = 0;
    let pending = 0;
    let node = table.root;
    let mask = 0;
    for (;;) {
      const index = feature[node] as number;
      if (index >= 0) {
        const value = row[index] as number;
        const goes = isPlain
          ? value <= (threshold[node] as number) || (Number.isNaN(value) && kind[node] !== 0)
          : holds(forest, node, value);
        const more = mask | (1 << (bits[node] as number));
        nodes[pending] = second[node] as number;
        broken[pending] = goes ? more : mask;
        pending += 1;
        if (!goes) mask = more;
        node = first[node] as number;
        continue;
      }
      this.#addLeaf(table, leaf, node, mask, slotOf, values);
      leaf += 1;
      if (pending === 0) return;
      pending -= 1;
      node = nodes[pending] as number;
      mask = broken[pending] as number;
    }
  }

  /** @param mask the columns whose conditions the explained row breaks */
  #addLeaf(
    { maskStart, masks, counts, columnStart, columns }: LeafTable,
    leaf: number,
    node: number,
    mask: number,
    slotOf: Int32Array,
    values: readonly Float64Array[],
  ): void {
    const { table, stride } = this.#weights;
    const shares = this.#shares;
    const start = columnStart[leaf] as number;
    const size = (columnStart[leaf + 1] as number) - start;
    const absent = countBits(mask);
    let lost = 0;
    let isTouched = false;
    const end = maskStart[leaf + 1] as number;
    for (let at = maskStart[leaf] as number; at < end; at++) {
      const other = masks[at] as number;
      // A column whose conditions neither row satisfies: no mixture reaches the leaf. Where nothing is broken, all do.
      if ((mask & other) !== 0) continue;
      if ((mask | other) === 0) continue;
      const present = countBits(other);
      const count = counts[at] as number;
      if (!isTouched) {
        isTouched = true;
        shares.fill(0, 0, size);
      }
      if (absent > 0) lost += count * (table[absent * stride + present] as number);
      if (present === 0) continue;
      const share = count * (table[present * stride + absent] as number);
      for (let rest = other; rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest);
        shares[bit] = (shares[bit] as number) + share;
      }
    }
    if (!isTouched) return;
    for (let rest = mask; rest !== 0; rest &= rest - 1)
      shares[31 - Math.clz32(rest & -rest)] = -lost;
    const { first, second, weight, weightTarget } = this.#forest;
    const last = second[node] as number;
    for (let at = first[node] as number; at < last; at++) {
      const slot = slotOf[weightTarget[at] as number] as number;
      if (slot < 0) continue;
      const into = values[slot] as Float64Array;
      const added = weight[at] as number;
      for (let bit = 0; bit < size; bit++) {
        const column = columns[start + bit] as number;
        into[column] = (into[column] as number) + added * (shares[bit] as number);
      }
    }
  }
}

function countBits(mask: number): number {
  let rest = mask - ((mask >>> 1) & 0x55555555);
  rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333);
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

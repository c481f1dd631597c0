import type { Links } from "../graph/explainable-graph.ts";
import { type CompiledForest, type Features, scoresOf } from "./compiled-forest.ts";
import { applyLink, isJoint, marginsOf, multipliersOf } from "./link-multipliers.ts";
import { createPace, WORK_PER_STEP } from "./pace.ts";
import type { TreeBackground } from "./tree-background.ts";
import type { TreeWalk } from "./tree-walk.ts";

/** Numbers that are kept for some background rows at once: 2 MiB. */
const MAX_KEPT = 262_144;

/** Of one row, K outputs. */
export interface TreeValues {
  /** Column by column: `columns` times K. */
  readonly values: Float64Array;
  readonly base: Float64Array;
  readonly output: Float64Array;
}

export interface TreeQuestion {
  readonly row: Features;
  /** Places in the outputs of `links`. */
  readonly outputs: readonly number[];
  readonly links: Links;
  /** Whether the outputs are explained as they are after the link, and not their margins. */
  readonly isLinked: boolean;
}

/**
 * Exact Shapley values of a forest, where the values of unknown columns are those of background rows (interventional
 * TreeSHAP). After a link the values of each background row are scaled to the difference of the outputs, as Python's `shap` does.
 * Source: Lundberg et al., From local explanations to global understanding with explainable AI for trees, Nature Machine
 * Intelligence 2020.
 * @throws ApiError of the checkpoint
 */
export async function explainByBackground(
  forest: CompiledForest,
  background: TreeBackground,
  question: TreeQuestion,
  checkpoint: () => Promise<void>,
): Promise<TreeValues> {
  const { row, outputs, links, isLinked } = question;
  const scores = scoresOf(forest, row);
  await checkpoint();
  const link = isLinked ? links.link : "none";
  const answers = [scores, ...background.scores].map((each) =>
    applyLink(link, marginsOf(links, each)),
  );
  const chosen = (answer: Float64Array | undefined): Float64Array =>
    Float64Array.from(outputs, (output) => answer?.[output] ?? 0);
  const base = new Float64Array(outputs.length);
  for (const answer of answers.slice(1))
    for (const [at, value] of chosen(answer).entries())
      base[at] = (base[at] ?? 0) + value / background.rows.length;
  const values =
    link === "none"
      ? await explainMargins(forest, background, question, checkpoint)
      : await explainLinked(forest, background, question, scores, checkpoint);
  return { values, base, output: chosen(answers[0]) };
}

/** Sums of the Shapley values of all trees. */
interface TreeSums {
  readonly row: Features;
  readonly background: readonly Features[];
  /** Targets that are explained. */
  readonly targets: readonly number[];
  /** By target of these, by background row: by column. */
  readonly sums: readonly (readonly Float64Array[])[];
}

async function explainMargins(
  forest: CompiledForest,
  background: TreeBackground,
  { row, outputs, links }: TreeQuestion,
  checkpoint: () => Promise<void>,
): Promise<Float64Array> {
  const targets = targetsOf(links, outputs);
  const totals = targets.map(() => new Float64Array(forest.columns + 1));
  const { rows, walk, tables } = background;
  const sums = totals.map((total) => new Array<Float64Array>(rows.length).fill(total));
  const slotOf = new Int32Array(forest.targets).fill(-1);
  for (const [slot, target] of targets.entries()) slotOf[target] = slot;
  const addByTable = (tree: number): number => {
    const table = tables?.byTree[tree];
    if (!tables || !table) return 0;
    tables.walk.add(table, slotOf, row, totals);
    return table.masks.length + (forest.treeNodes[tree] as number);
  };
  const all = { row, background: rows, targets, sums };
  await addTrees(forest, walk, all, addByTable, checkpoint);
  const values = new Float64Array(forest.columns * outputs.length);
  for (const [at, output] of outputs.entries()) {
    const { target = 0, sign = 1 } = links.outputs[output] ?? {};
    const total = totals[slotOf[target] as number] as Float64Array;
    for (let column = 0; column < forest.columns; column++)
      values[column * outputs.length + at] = (sign * (total[column] as number)) / rows.length;
  }
  return values;
}

async function explainLinked(
  forest: CompiledForest,
  background: TreeBackground,
  { row, outputs, links }: TreeQuestion,
  scores: Float64Array,
  checkpoint: () => Promise<void>,
): Promise<Float64Array> {
  const { rows, walk } = background;
  const targets = targetsOf(links, isJoint(links.link) ? [...links.outputs.keys()] : outputs);
  const width = forest.columns + 1;
  const values = new Float64Array(forest.columns * outputs.length);
  const chunk = Math.max(1, Math.floor(MAX_KEPT / (width * targets.length)));
  const isDue = createPace();
  const margins = marginsOf(links, scores);
  for (let start = 0; start < rows.length; start += chunk) {
    const some = rows.slice(start, start + chunk);
    const sums = targets.map(() => some.map(() => new Float64Array(width)));
    const all = { row, background: some, targets, sums };
    await addTrees(forest, walk, all, () => 0, checkpoint);
    for (let at = 0; at < some.length; at++) {
      const from = marginsOf(links, background.scores[start + at] as Float64Array);
      for (const [k, output] of outputs.entries()) {
        for (const [j, multiplier] of multipliersOf(links.link, output, from, margins).entries()) {
          const { target = 0, sign = 1 } = links.outputs[j] ?? {};
          const sum = sums[targets.indexOf(target)]?.[at];
          if (multiplier === 0 || !sum) continue;
          const factor = (multiplier * sign) / rows.length;
          for (let column = 0; column < forest.columns; column++) {
            const place = column * outputs.length + k;
            values[place] = (values[place] as number) + factor * (sum[column] as number);
          }
        }
        if (isDue(links.outputs.length * width)) await checkpoint();
      }
    }
  }
  return values;
}

/** @param addByTable adds a tree, and returns how much work that was: none where there is no table of it */
async function addTrees(
  forest: CompiledForest,
  walk: TreeWalk,
  { row, background, targets, sums }: TreeSums,
  addByTable: (tree: number) => number,
  checkpoint: () => Promise<void>,
): Promise<void> {
  const { roots, treeTarget } = forest;
  const isDue = createPace();
  for (let tree = 0; tree < roots.length; tree++) {
    const only = treeTarget[tree] as number;
    if (only >= 0 && !targets.includes(only)) continue;
    const work = addByTable(tree);
    if (work > 0) {
      if (isDue(work)) await checkpoint();
      continue;
    }
    for (const [slot, target] of targets.entries()) {
      if (only >= 0 && only !== target) continue;
      const into = sums[slot] ?? [];
      for (let next = 0; next < background.length; ) {
        const before = walk.visited;
        next = walk.add(roots[tree] as number, target, row, background, next, into, WORK_PER_STEP);
        if (isDue(walk.visited - before)) await checkpoint();
      }
    }
  }
}

function targetsOf(links: Links, outputs: readonly number[]): readonly number[] {
  return [...new Set(outputs.map((output) => links.outputs[output]?.target ?? 0))];
}

import type { Links } from "../graph/explainable-graph.ts";
import { type CompiledForest, type Features, scoresOf } from "./compiled-forest.ts";
import { applyLink, isJoint, marginsOf, multipliersOf } from "./link-multipliers.ts";
import { createPace } from "./pace.ts";
import type { TreeBackground } from "./tree-background.ts";

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

async function explainMargins(
  forest: CompiledForest,
  background: TreeBackground,
  { row, outputs, links }: TreeQuestion,
  checkpoint: () => Promise<void>,
): Promise<Float64Array> {
  const scores = outputs.map((output) => links.outputs[output]);
  const targets = [...new Set(scores.map((score) => score?.target ?? 0))];
  const slotOf = new Int32Array(forest.targets).fill(-1);
  for (const [slot, target] of targets.entries()) slotOf[target] = slot;
  const sums = targets.map(() => new Float64Array(forest.columns + 1));
  const tables = await background.tables(checkpoint);
  const isDue = createPace();
  for (let tree = 0; tree < forest.roots.length; tree++) {
    const only = forest.treeTarget[tree] as number;
    if (only >= 0 && (slotOf[only] as number) < 0) continue;
    const table = tables?.byTree[tree];
    if (tables && table) {
      tables.walk.add(table, slotOf, row, sums);
      if (isDue(table.masks.length + (forest.treeNodes[tree] as number))) await checkpoint();
      continue;
    }
    const root = forest.roots[tree] as number;
    for (const [slot, target] of targets.entries()) {
      if (only >= 0 && only !== target) continue;
      const into = sums[slot] as Float64Array;
      for (const other of background.rows) {
        if (isDue(background.walk.add(root, target, row, other, into))) await checkpoint();
      }
    }
  }
  const values = new Float64Array(forest.columns * outputs.length);
  for (const [at, score] of scores.entries()) {
    const sum = sums[slotOf[score?.target ?? 0] as number] as Float64Array;
    const factor = (score?.sign ?? 1) / background.rows.length;
    for (let column = 0; column < forest.columns; column++)
      values[column * outputs.length + at] = factor * (sum[column] as number);
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
  const needed = isJoint(links.link)
    ? links.outputs
    : outputs.map((output) => links.outputs[output]);
  const targets = [...new Set(needed.map((score) => score?.target ?? 0))];
  const width = forest.columns + 1;
  const values = new Float64Array(forest.columns * outputs.length);
  const chunk = Math.max(1, Math.floor(MAX_KEPT / (width * targets.length)));
  const isDue = createPace();
  const margins = marginsOf(links, scores);
  for (let start = 0; start < rows.length; start += chunk) {
    const some = rows.slice(start, start + chunk);
    const sums = some.map(() => targets.map(() => new Float64Array(width)));
    for (let tree = 0; tree < forest.roots.length; tree++) {
      const only = forest.treeTarget[tree] as number;
      const root = forest.roots[tree] as number;
      for (const [slot, target] of targets.entries()) {
        if (only >= 0 && only !== target) continue;
        for (const [at, other] of some.entries()) {
          const into = sums[at]?.[slot] as Float64Array;
          if (isDue(walk.add(root, target, row, other, into))) await checkpoint();
        }
      }
    }
    for (const [at, bySlot] of sums.entries()) {
      const from = marginsOf(links, background.scores[start + at] as Float64Array);
      for (const [k, output] of outputs.entries()) {
        const multipliers = multipliersOf(links.link, output, from, margins);
        for (const [j, multiplier] of multipliers.entries()) {
          const score = links.outputs[j];
          if (multiplier === 0 || !score) continue;
          const sum = bySlot[targets.indexOf(score.target)] as Float64Array;
          const factor = (multiplier * score.sign) / rows.length;
          for (let column = 0; column < forest.columns; column++) {
            const place = column * outputs.length + k;
            values[place] = (values[place] as number) + factor * (sum[column] as number);
          }
        }
        if (isDue(links.outputs.length * (forest.columns + 64))) await checkpoint();
      }
    }
  }
  return values;
}

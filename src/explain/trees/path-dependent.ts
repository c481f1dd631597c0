import { type CompiledForest, type Features, scoresOf, stepOf } from "./compiled-forest.ts";
import type { TreeQuestion, TreeValues } from "./interventional.ts";
import { createPace } from "./pace.ts";

/** What is known of one column on the way to a leaf. */
interface PathColumn {
  readonly column: number;
  /** Whether the row satisfies its conditions. */
  readonly isKept: boolean;
  /** The share of the training rows that go on where the column is unknown. */
  readonly share: number;
}

/**
 * Exact Shapley values of a forest, where at unknown columns both branches count by their rows of the training data
 * (path-dependent TreeSHAP). A leaf's share of a coalition is a product over its columns, so its values follow of the polynomial
 * that has these factors.
 * Source: Lundberg et al., Consistent Individualized Feature Attribution for Tree Ensembles, 2018 (arXiv 1802.03888), algorithm 2.
 * @param covers of the forest
 * @throws ApiError of the checkpoint
 */
export async function explainByCovers(
  forest: CompiledForest,
  covers: Float64Array,
  { row, outputs, links }: TreeQuestion,
  checkpoint: () => Promise<void>,
): Promise<TreeValues> {
  const { columns, targets } = forest;
  const sums = new Float64Array((columns + 1) * targets);
  const expected = Float64Array.from(forest.baseValues);
  const isDue = createPace();
  for (const root of forest.roots) {
    for (const { leaf, path } of leavesOf(forest, covers, root, row)) {
      addLeaf(forest, leaf, path, sums, expected);
      if (isDue(8 * (path.length + 1) ** 2)) await checkpoint();
    }
  }
  const scores = scoresOf(forest, row);
  const values = new Float64Array(columns * outputs.length);
  const base = new Float64Array(outputs.length);
  const output = new Float64Array(outputs.length);
  for (const [at, index] of outputs.entries()) {
    const { target = 0, sign = 1, offset = 0 } = links.outputs[index] ?? {};
    base[at] = offset + sign * (expected[target] ?? 0);
    output[at] = offset + sign * (scores[target] ?? 0);
    for (let column = 0; column < columns; column++)
      values[column * outputs.length + at] = sign * (sums[column * targets + target] ?? 0);
  }
  return { values, base, output };
}

function* leavesOf(
  forest: CompiledForest,
  covers: Float64Array,
  root: number,
  row: Features,
): Generator<{ leaf: number; path: readonly PathColumn[] }> {
  const pending: { node: number; path: readonly PathColumn[] }[] = [{ node: root, path: [] }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, path } = next;
    const index = forest.feature[node] as number;
    if (index < 0) {
      yield { leaf: node, path };
      continue;
    }
    const column = forest.columnOf[index] as number;
    const taken = stepOf(forest, node, row);
    for (const child of [forest.second[node] as number, forest.first[node] as number]) {
      // A constant is always known.
      if (column === forest.columns) {
        if (child === taken) pending.push({ node: child, path });
        continue;
      }
      const before = path.find((each) => each.column === column);
      const part = (covers[child] as number) / (covers[node] as number);
      const entry: PathColumn = {
        column,
        isKept: (before?.isKept ?? true) && child === taken,
        share: (before?.share ?? 1) * part,
      };
      // Neither known nor unknown does the column lead here.
      if (!entry.isKept && entry.share === 0) continue;
      pending.push({ node: child, path: [...path.filter((each) => each !== before), entry] });
    }
  }
}

function addLeaf(
  forest: CompiledForest,
  leaf: number,
  path: readonly PathColumn[],
  sums: Float64Array,
  expected: Float64Array,
): void {
  const { first, second, weight, weightTarget, targets } = forest;
  const size = path.length;
  const product = path.reduce((all, { share }) => all * share, 1);
  const end = second[leaf] as number;
  const start = first[leaf] as number;
  for (let at = start; at < end; at++) {
    const target = weightTarget[at] as number;
    expected[target] = (expected[target] as number) + product * (weight[at] as number);
  }
  const whole = multiply(path);
  const others = new Float64Array(size);
  for (const factor of path) {
    divide(whole, factor, others);
    // k! (size - 1 - k)! / size! for k = 0, and from one k to the next.
    let chance = 1 / size;
    let mean = 0;
    for (let known = 0; known < size; known++) {
      mean += chance * (others[known] as number);
      chance *= (known + 1) / (size - 1 - known);
    }
    const change = mean * ((factor.isKept ? 1 : 0) - factor.share);
    for (let at = start; at < end; at++) {
      const place = factor.column * targets + (weightTarget[at] as number);
      sums[place] = (sums[place] as number) + change * (weight[at] as number);
    }
  }
}

/** The product of `share + y` for kept columns and `share` for others: coefficients of the powers of y. */
function multiply(path: readonly PathColumn[]): Float64Array {
  const product = new Float64Array(path.length + 1);
  product[0] = 1;
  let degree = 0;
  for (const { isKept, share } of path) {
    if (isKept) degree += 1;
    for (let power = degree; power >= 0; power--) {
      const raised = isKept && power > 0 ? (product[power - 1] as number) : 0;
      product[power] = share * (product[power] as number) + raised;
    }
  }
  return product;
}

/** Takes one factor out of a product. */
function divide(
  product: Float64Array,
  { isKept, share }: PathColumn,
  quotient: Float64Array,
): void {
  if (!isKept) {
    for (let power = 0; power < quotient.length; power++)
      quotient[power] = (product[power] as number) / share;
    return;
  }
  let above = 0;
  for (let power = quotient.length - 1; power >= 0; power--) {
    above = (product[power + 1] as number) - share * above;
    quotient[power] = above;
  }
}

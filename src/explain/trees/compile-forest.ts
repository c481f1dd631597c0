import { ApiError } from "../../domain/errors.ts";
import { type CompiledForest, EQ, LEQ, MEMBER, MISSING_FIRST } from "./compiled-forest.ts";
import { type Forest, MAX_FOREST_NODES, MODE } from "./forest.ts";

/** Between two checkpoints: some milliseconds. */
const NODES_PER_STEP = 65_536;

/** What the columns of a row have to do with the features that a forest reads. */
export interface FeatureColumns {
  /** By feature: its column, or -1 for a constant. */
  readonly columnOf: Int32Array;
  readonly columns: number;
}

/**
 * Checks a forest and brings it into the form that explanations read, in place: its arrays are not to be used afterwards.
 * @param checkpoint awaited between two pieces of work
 * @throws ApiError `invalid_request` for a forest that is too large, or whose nodes are not trees
 */
export async function compileForest(
  forest: Forest,
  { columnOf, columns }: FeatureColumns,
  checkpoint: () => Promise<void>,
): Promise<CompiledForest> {
  checkSizes(forest, columnOf);
  const { feature, mode, whenTrue, whenFalse, roots } = forest;
  const reached = new Uint8Array(feature.length);
  const treeNodes = new Int32Array(roots.length);
  const treeTarget = new Int32Array(roots.length);
  let depth = 0;
  let steps = 0;
  let isPlain = true;
  for (let tree = 0; tree < roots.length; tree++) {
    const pending = [roots[tree] as number, 0];
    let target: number | undefined;
    let count = 0;
    while (pending.length > 0) {
      const level = pending.pop() as number;
      const node = pending.pop() as number;
      if (!(node >= 0 && node < feature.length)) throw invalid(`a branch leads to node ${node}`);
      count += 1;
      if (++steps % NODES_PER_STEP === 0) await checkpoint();
      depth = Math.max(depth, level);
      if ((feature[node] as number) < 0) {
        const one = targetOfLeaf(forest, node);
        if (one !== undefined) target = target === undefined || target === one ? one : -1;
        continue;
      }
      if (reached[node] === 1) throw invalid(`two branches lead to node ${node}`);
      reached[node] = 1;
      normalize(forest, node);
      if ((mode[node] as number) >= EQ) isPlain = false;
      pending.push(whenFalse[node] as number, level + 1, whenTrue[node] as number, level + 1);
    }
    treeNodes[tree] = count;
    treeTarget[tree] = target ?? -1;
  }
  const { weight, scale } = forest;
  if (scale !== 1)
    for (let at = 0; at < weight.length; at++) weight[at] = scale * (weight[at] ?? 0);
  return {
    targets: forest.targets,
    roots,
    feature,
    kind: mode,
    threshold: forest.threshold,
    members: forest.members.map((values) => new Set(values)),
    first: whenTrue,
    second: whenFalse,
    weight,
    weightTarget: forest.weightTarget,
    baseValues: forest.baseValues,
    covers: coversOf(forest),
    treeTarget,
    treeNodes,
    columnOf: columnOf.map((column) => (column < 0 ? columns : column)),
    columns,
    depth,
    pathColumns: Math.min(depth, columns),
    isPlain,
  };
}

function checkSizes(forest: Forest, columnOf: Int32Array): void {
  const nodes = forest.feature.length;
  if (nodes > MAX_FOREST_NODES)
    throw new ApiError(
      "invalid_request",
      `The method "tree" explains forests of at most ${MAX_FOREST_NODES} nodes and leaves; this model has ${nodes}. The method "permutation" explains it.`,
    );
  const { mode, threshold, whenTrue, whenFalse, missingTrue } = forest;
  const lists = [mode, threshold, whenTrue, whenFalse, ...(missingTrue ? [missingTrue] : [])];
  if (lists.some(({ length }) => length !== nodes)) throw invalid("its lists differ in length");
  if (forest.weight.length !== forest.weightTarget.length)
    throw invalid("its lists differ in length");
  if (forest.baseValues.length !== forest.targets) throw invalid("it has other base values");
  if (columnOf.length < forest.features) throw invalid(`it reads ${forest.features} features`);
}

/** @returns the only target of a leaf, -1 for several, `undefined` for none */
function targetOfLeaf(forest: Forest, leaf: number): number | undefined {
  const { whenTrue, whenFalse, weightTarget, targets } = forest;
  const start = whenTrue[leaf] as number;
  const end = whenFalse[leaf] as number;
  if (!(start >= 0 && start <= end && end <= weightTarget.length))
    throw invalid(`leaf ${leaf} has weights ${start} to ${end}`);
  let only: number | undefined;
  for (let at = start; at < end; at++) {
    const target = weightTarget[at] as number;
    if (!(target >= 0 && target < targets)) throw invalid(`leaf ${leaf} adds to target ${target}`);
    only = only === undefined || only === target ? target : -1;
  }
  return only;
}

/**
 * Makes a comparison `<=`, `==` or membership, with exchanged branches where it was the opposite. `v < t` is `v <= u` for the
 * number u before t.
 */
function normalize(forest: Forest, node: number): void {
  const { feature, features, mode, threshold, whenTrue, whenFalse, missingTrue } = forest;
  const index = feature[node] as number;
  if (index >= features) throw invalid(`node ${node} compares feature ${index} of ${features}`);
  const code = mode[node] as number;
  if (code > MODE.member) throw invalid(`node ${node} compares by mode ${code}`);
  const bound = threshold[node] as number;
  let missingFirst = missingTrue?.[node] === 1;
  const exchange = () => {
    const next = whenTrue[node] as number;
    whenTrue[node] = whenFalse[node] as number;
    whenFalse[node] = next;
    missingFirst = !missingFirst;
  };
  let kind = LEQ;
  switch (code) {
    case MODE.lt:
      threshold[node] = before(bound);
      break;
    case MODE.gt:
      // Where the threshold is NaN, neither comparison holds.
      if (!Number.isNaN(bound)) exchange();
      break;
    case MODE.gte:
      if (bound === Number.NEGATIVE_INFINITY) threshold[node] = Number.POSITIVE_INFINITY;
      else if (!Number.isNaN(bound)) {
        threshold[node] = before(bound);
        exchange();
      }
      break;
    case MODE.eq:
      kind = EQ;
      break;
    case MODE.neq:
      kind = EQ;
      exchange();
      // A missing value is unequal to any number.
      missingFirst = false;
      break;
    case MODE.member:
      kind = MEMBER;
      break;
    default:
      break;
  }
  mode[node] = kind + (missingFirst ? MISSING_FIRST : 0);
}

const float = new Float64Array(1);
const bits = new BigInt64Array(float.buffer);

/** The next smaller number; that of -Infinity is NaN, which nothing is at most. */
function before(value: number): number {
  if (value === Number.NEGATIVE_INFINITY || Number.isNaN(value)) return Number.NaN;
  if (value === 0) return -Number.MIN_VALUE;
  float[0] = value;
  bits[0] = (bits[0] ?? 0n) + (value > 0 ? -1n : 1n);
  return float[0];
}

/** Exporters that do not know the rows of the training data write the same number for each node, or none. */
function coversOf(forest: Forest): Float64Array | undefined {
  const { covers, feature, whenTrue, whenFalse } = forest;
  if (covers?.length !== feature.length) return undefined;
  for (let node = 0; node < feature.length; node++) {
    if ((feature[node] as number) < 0) continue;
    const one = covers[whenTrue[node] as number] as number;
    const other = covers[whenFalse[node] as number] as number;
    if (!(one >= 0 && other >= 0 && one + other > 0)) return undefined;
    if (!(Math.abs((covers[node] as number) - one - other) <= 1e-4 * (one + other)))
      return undefined;
  }
  return covers;
}

function invalid(what: string): ApiError {
  return new ApiError(
    "invalid_request",
    `The method "tree" cannot read this model's trees: ${what}. The method "permutation" explains it.`,
  );
}

import {
  type GraphNode,
  isNumberList,
  type NumberList,
  TextList,
} from "../../onnx/graph/onnx-graph.ts";
import { toNumbers } from "../../onnx/graph/tensor-elements.ts";
import { UnexplainableError } from "../graph/element.ts";
import type { ForestPart } from "../graph/forest-part.ts";
import { MAX_FOREST_NODES, MODE } from "../trees/forest.ts";
import { tensorAttribute } from "./operator.ts";

type Trees = ForestPart["forest"];

/** Nodes that are read between two pauses: a few milliseconds. */
const PER_STEP = 65_536;

const MODES: Readonly<Record<string, number>> = {
  BRANCH_LEQ: MODE.leq,
  BRANCH_LT: MODE.lt,
  BRANCH_GTE: MODE.gte,
  BRANCH_GT: MODE.gt,
  BRANCH_EQ: MODE.eq,
  BRANCH_NEQ: MODE.neq,
};
const LEAF = "LEAF";

/**
 * The trees of a `TreeEnsembleRegressor` or `TreeEnsembleClassifier`, whose nodes have the number of their tree and one in it.
 * @param weightsOf what attributes of leaves are called: `target` or `class`
 * @returns in steps: yields every few milliseconds of work
 * @throws UnexplainableError for lists that do not fit
 */
export function* readNumberedForest(
  node: GraphNode,
  weightsOf: "target" | "class",
  targets: number,
  features: number,
): Generator<undefined, Trees> {
  const list = (name: string): NumberList => numbersOf(node, name);
  const trees = list("nodes_treeids");
  const count = trees.length;
  checkSize(count);
  const same = (numbers: NumberList, length: number, name: string): NumberList => {
    if (numbers.length === length) return numbers;
    throw new UnexplainableError(
      `the model's forest has ${numbers.length} ${name} for ${length} nodes`,
    );
  };
  const ids = same(list("nodes_nodeids"), count, "nodes_nodeids");
  const values = same(list("nodes_values"), count, "nodes_values");
  const own = same(list("nodes_featureids"), count, "nodes_featureids");
  const trueIds = same(list("nodes_truenodeids"), count, "nodes_truenodeids");
  const falseIds = same(list("nodes_falsenodeids"), count, "nodes_falsenodeids");
  const modes = node.attributes.get("nodes_modes");
  if (!(modes instanceof TextList) || modes.length !== count)
    throw new UnexplainableError("the model's forest has no nodes_modes for its nodes");
  const { roots, find } = yield* arrange(trees, ids);
  yield;
  const codes = modes.distinct.map((name) => (name === LEAF ? -1 : (MODES[name] ?? -2)));
  if (codes.includes(-2))
    throw new UnexplainableError(
      `the model's forest has the mode ${modes.distinct[codes.indexOf(-2)]}`,
    );
  const feature = new Int32Array(count);
  const mode = new Uint8Array(count);
  const threshold = new Float64Array(count);
  const whenTrue = new Int32Array(count);
  const whenFalse = new Int32Array(count);
  for (let at = 0; at < count; at++) {
    const code = codes[modes.indices[at] as number] as number;
    if (code < 0) feature[at] = -1;
    else {
      const tree = trees[at] as number;
      feature[at] = own[at] as number;
      mode[at] = code;
      threshold[at] = values[at] as number;
      whenTrue[at] = find(tree, trueIds[at] as number);
      whenFalse[at] = find(tree, falseIds[at] as number);
    }
    if (at % PER_STEP === PER_STEP - 1) yield;
  }
  const weightNodes = list(`${weightsOf}_nodeids`);
  const total = weightNodes.length;
  const weightTrees = same(list(`${weightsOf}_treeids`), total, `${weightsOf}_treeids`);
  const ofTargets = same(list(`${weightsOf}_ids`), total, `${weightsOf}_ids`);
  const weights = same(list(`${weightsOf}_weights`), total, `${weightsOf}_weights`);
  const places = new Int32Array(total);
  // How many weights each leaf has, then where they start; the leaf's second slot becomes their end.
  for (let at = 0; at < total; at++) {
    const leaf = find(weightTrees[at] as number, weightNodes[at] as number);
    if (feature[leaf] !== -1)
      throw new UnexplainableError("the model's forest has weights at nodes that are no leaves");
    places[at] = leaf;
    (whenFalse[leaf] as number)++;
    if (at % PER_STEP === PER_STEP - 1) yield;
  }
  let start = 0;
  for (let at = 0; at < count; at++) {
    if (feature[at] !== -1) continue;
    const length = whenFalse[at] as number;
    whenTrue[at] = start;
    whenFalse[at] = start;
    start += length;
  }
  yield;
  const weightTarget = new Int32Array(total);
  const weight = new Float64Array(total);
  for (let at = 0; at < total; at++) {
    const leaf = places[at] as number;
    const place = whenFalse[leaf] as number;
    weightTarget[place] = ofTargets[at] as number;
    weight[place] = weights[at] as number;
    whenFalse[leaf] = place + 1;
    if (at % PER_STEP === PER_STEP - 1) yield;
  }
  const missing = list("nodes_missing_value_tracks_true");
  return {
    targets,
    features,
    roots,
    feature,
    mode,
    threshold,
    members: [],
    whenTrue,
    whenFalse,
    missingTrue: toFlags(missing, count),
    covers: toCovers(list("nodes_hitrates"), count),
    weightTarget,
    weight,
  };
}

/**
 * The trees of a `TreeEnsemble`, which has inner nodes and leaves apart.
 * @returns in steps
 * @throws UnexplainableError for lists that do not fit
 */
export function* readCompactForest(
  node: GraphNode,
  targets: number,
  features: number,
): Generator<undefined, Trees> {
  const list = (name: string): NumberList => numbersOf(node, name);
  const own = list("nodes_featureids");
  const inner = own.length;
  const leaves = list("leaf_weights");
  const count = inner + leaves.length;
  checkSize(count);
  const [splits, modes] = [list("nodes_splits"), list("nodes_modes")];
  const [trueIds, trueLeaves] = [list("nodes_truenodeids"), list("nodes_trueleafs")];
  const [falseIds, falseLeaves] = [list("nodes_falsenodeids"), list("nodes_falseleafs")];
  const leafTargets = list("leaf_targetids");
  const lists = [splits, modes, trueIds, trueLeaves, falseIds, falseLeaves];
  if (lists.some(({ length }) => length !== inner) || leafTargets.length !== leaves.length)
    throw new UnexplainableError("the model's forest has lists of different lengths");
  const feature = new Int32Array(count).fill(-1, inner);
  feature.set(own);
  const mode = new Uint8Array(count);
  mode.set(modes);
  const threshold = new Float64Array(count);
  threshold.set(splits);
  yield;
  const whenTrue = new Int32Array(count);
  const whenFalse = new Int32Array(count);
  const members: Float64Array[] = [];
  const sets = toSets(list("membership_values"));
  for (let at = 0; at < inner; at++) {
    whenTrue[at] = (trueIds[at] as number) + (trueLeaves[at] ? inner : 0);
    whenFalse[at] = (falseIds[at] as number) + (falseLeaves[at] ? inner : 0);
    if (mode[at] === MODE.member)
      threshold[at] = members.push(sets[members.length] ?? new Float64Array()) - 1;
    if (at % PER_STEP === PER_STEP - 1) yield;
  }
  for (let leaf = 0; leaf < leaves.length; leaf++) {
    whenTrue[inner + leaf] = leaf;
    whenFalse[inner + leaf] = leaf + 1;
  }
  const missing = toFlags(list("nodes_missing_value_tracks_true"), count);
  return {
    targets,
    features,
    roots: Int32Array.from(list("tree_roots")),
    feature,
    mode,
    threshold,
    members,
    whenTrue,
    whenFalse,
    missingTrue: missing,
    weightTarget: Int32Array.from(leafTargets),
    weight: Float64Array.from(leaves),
  };
}

/** An attribute of numbers, as a list or as a tensor, which may have double precision. */
export function numbersOf(node: GraphNode, name: string): NumberList {
  const value = node.attributes.get(name);
  if (isNumberList(value)) return value;
  const tensor = tensorAttribute(node, name) ?? tensorAttribute(node, `${name}_as_tensor`);
  return tensor ? toNumbers(tensor) : new Float32Array();
}

interface Arranged {
  /** The first node of each tree. */
  readonly roots: Int32Array;
  /** The place of a node of a tree. */
  readonly find: (tree: number, id: number) => number;
}

function* arrange(trees: NumberList, ids: NumberList): Generator<undefined, Arranged> {
  const starts = new Map<number, number>();
  let isPlain = true;
  for (let at = 0; at < trees.length; at++) {
    const tree = trees[at] as number;
    if (at === 0 || tree !== trees[at - 1]) {
      if (starts.has(tree)) isPlain = false;
      else starts.set(tree, at);
    }
    if (ids[at] !== at - (starts.get(tree) ?? 0)) isPlain = false;
    if (at % PER_STEP === PER_STEP - 1) yield;
  }
  const roots = Int32Array.from(starts.values());
  const missing = (tree: number, id: number): UnexplainableError =>
    new UnexplainableError(`the model's forest has no node ${id} in its tree ${tree}`);
  if (isPlain)
    return {
      roots,
      find(tree, id) {
        const place = (starts.get(tree) ?? trees.length) + id;
        if (trees[place] === tree && ids[place] === id) return place;
        throw missing(tree, id);
      },
    };
  const places = new Map<number, number>();
  const keyOf = (tree: number, id: number): number => tree * 2 ** 26 + id;
  for (let at = 0; at < trees.length; at++) {
    places.set(keyOf(trees[at] as number, ids[at] as number), at);
    if (at % PER_STEP === PER_STEP - 1) yield;
  }
  return {
    roots,
    find(tree, id) {
      const place = places.get(keyOf(tree, id));
      if (place !== undefined) return place;
      throw missing(tree, id);
    },
  };
}

function checkSize(nodes: number): void {
  if (nodes === 0) throw new UnexplainableError("the model's forest has no nodes");
  if (nodes > MAX_FOREST_NODES)
    throw new UnexplainableError(
      `the model's forest has ${nodes} nodes, and forests of up to ${MAX_FOREST_NODES} are explained from their trees`,
    );
}

function toFlags(flags: NumberList, count: number): Uint8Array | undefined {
  if (!flags.some((flag) => flag !== 0)) return undefined;
  const bytes = new Uint8Array(count);
  for (let at = 0; at < flags.length; at++) bytes[at] = flags[at] ? 1 : 0;
  return bytes;
}

/** Exporters that do not know them write 1 or 0 for every node. */
function toCovers(rates: NumberList, count: number): Float64Array | undefined {
  const [first] = rates;
  if (rates.length !== count || rates.every((rate) => rate === first)) return undefined;
  return Float64Array.from(rates);
}

/** Sets of numbers, one after the other, each ended by NaN. */
function toSets(values: NumberList): Float64Array[] {
  const sets: Float64Array[] = [];
  let start = 0;
  for (let at = 0; at < values.length; at++) {
    if (!Number.isNaN(values[at])) continue;
    sets.push(Float64Array.from(values.subarray(start, at)));
    start = at + 1;
  }
  return sets;
}

import { concatenateBytes } from "../shared/bytes.ts";
import type { Forest } from "./forest.ts";
import { ATTRIBUTE, ML_DOMAIN, NODE, TENSOR } from "./onnx-rules.ts";
import { encodeField, encodeNumberField, encodeVarint } from "./wire-format.ts";

/**
 * The operator `TreeEnsemble` of version 5 of ai.onnx.ml, which has numbers where the older operators have texts, and lists
 * inner nodes and leaves apart.
 * Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.TreeEnsemble
 */

const MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];
const AGGREGATES = ["AVERAGE", "SUM", "MIN", "MAX"];
const TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];
const LEAF = "LEAF";

/** `AttributeProto.AttributeType`. */
const INT = 2;
const TENSOR_TYPE = 4;
const INTS = 7;
/** Fields of AttributeProto. */
const INT_FIELD = 3;
const TYPE_FIELD = 20;
/** `TensorProto.DataType`. */
const FLOAT_DATA = 1;
const UINT8_DATA = 2;

/**
 * The same forest as nodes of a graph, each a NodeProto: `TreeEnsemble`, and the addition of base values, which that does not
 * have. A tree with these values would not do: the last bit of its sums differs (measured).
 * @returns `undefined` where it cannot be expressed
 */
export function encodeForest(forest: Forest): readonly Uint8Array[] | undefined {
  const { baseValues, output, targets, transform } = forest;
  if (baseValues.length === 0) {
    const node = encodeTreeEnsemble(forest, output);
    return node && [node];
  }
  if (baseValues.length !== targets || transform !== "NONE") return undefined;
  const [sum, base] = [`${output}:trees`, `${output}:base`];
  const trees = encodeTreeEnsemble(forest, sum);
  return (
    trees && [
      trees,
      concatenateBytes([
        encodeField(NODE.output, base),
        encodeField(NODE.opType, "Constant"),
        floatsAttribute("value", baseValues),
      ]),
      concatenateBytes([
        encodeField(NODE.input, sum),
        encodeField(NODE.input, base),
        encodeField(NODE.output, output),
        encodeField(NODE.opType, "Add"),
      ]),
    ]
  );
}

function encodeTreeEnsemble(forest: Forest, output: string): Uint8Array | undefined {
  const { name, input, targets, missingTrue } = forest;
  const aggregate = AGGREGATES.indexOf(forest.aggregate);
  const transform = TRANSFORMS.indexOf(forest.transform);
  const trees = arrange(forest);
  if (!trees || aggregate < 0 || transform < 0) return undefined;
  const { inner, roots, branches, leafTargets, leafWeights } = trees;
  const ofInner = (values: readonly number[]): number[] => inner.map((node) => values[node] ?? 0);
  return concatenateBytes([
    encodeField(NODE.input, input),
    encodeField(NODE.output, output),
    ...(name === undefined ? [] : [encodeField(NODE.name, name)]),
    encodeField(NODE.opType, "TreeEnsemble"),
    encodeField(NODE.domain, ML_DOMAIN),
    intAttribute("n_targets", targets),
    intAttribute("aggregate_function", aggregate),
    intAttribute("post_transform", transform),
    intsAttribute("tree_roots", roots),
    intsAttribute("nodes_featureids", ofInner(forest.features)),
    floatsAttribute("nodes_splits", ofInner(forest.splits)),
    modesAttribute(inner.map((node) => MODES.indexOf(forest.modes[node] ?? ""))),
    intsAttribute("nodes_truenodeids", branches.trueIds),
    intsAttribute("nodes_trueleafs", branches.trueLeaves),
    intsAttribute("nodes_falsenodeids", branches.falseIds),
    intsAttribute("nodes_falseleafs", branches.falseLeaves),
    ...(missingTrue.length > 0
      ? [intsAttribute("nodes_missing_value_tracks_true", ofInner(missingTrue))]
      : []),
    intsAttribute("leaf_targetids", leafTargets),
    floatsAttribute("leaf_weights", leafWeights),
  ]);
}

interface Trees {
  /** Positions in the forest of the nodes that branch, in their new order. */
  readonly inner: readonly number[];
  readonly roots: readonly number[];
  readonly branches: {
    readonly trueIds: readonly number[];
    readonly trueLeaves: readonly number[];
    readonly falseIds: readonly number[];
    readonly falseLeaves: readonly number[];
  };
  readonly leafTargets: readonly number[];
  readonly leafWeights: readonly number[];
}

/** @returns `undefined` unless each leaf has one weight, and each branch leads to a node of its tree */
function arrange(forest: Forest): Trees | undefined {
  const { treeIds, nodeIds, modes, trueIds, falseIds } = forest;
  const count = treeIds.length;
  const lists = [nodeIds, modes, trueIds, falseIds, forest.features, forest.splits];
  if (count === 0 || lists.some(({ length }) => length !== count)) return undefined;
  const inner: number[] = [];
  /** By position: its number among the inner nodes, or among the leaves. */
  const numbers = new Int32Array(count);
  const positions = new Map<number, number>();
  const roots: number[] = [];
  let leaves = 0;
  for (let node = 0; node < count; node++) {
    const isRoot = node === 0 || treeIds[node] !== treeIds[node - 1];
    const isLeaf = modes[node] === LEAF;
    if (!isLeaf && !MODES.includes(modes[node] ?? "")) return undefined;
    // A tree that is a single leaf has no inner node that could be its root.
    if (isRoot && isLeaf) return undefined;
    if (isRoot) roots.push(inner.length);
    numbers[node] = isLeaf ? leaves++ : inner.push(node) - 1;
    positions.set(keyOf(treeIds[node], nodeIds[node]), node);
  }
  if (positions.size !== count || new Set(treeIds).size !== roots.length) return undefined;
  const weights = placeWeights(forest, positions, numbers, leaves);
  if (!weights) return undefined;
  const follow = (ids: readonly number[]): { ids: number[]; leaves: number[] } | undefined => {
    const found = { ids: [] as number[], leaves: [] as number[] };
    for (const node of inner) {
      const child = positions.get(keyOf(treeIds[node], ids[node]));
      if (child === undefined) return undefined;
      found.ids.push(numbers[child] ?? 0);
      found.leaves.push(modes[child] === LEAF ? 1 : 0);
    }
    return found;
  };
  const whenTrue = follow(trueIds);
  const whenFalse = follow(falseIds);
  if (!whenTrue || !whenFalse) return undefined;
  const branches = {
    trueIds: whenTrue.ids,
    trueLeaves: whenTrue.leaves,
    falseIds: whenFalse.ids,
    falseLeaves: whenFalse.leaves,
  };
  return { inner, roots, branches, ...weights };
}

function placeWeights(
  forest: Forest,
  positions: ReadonlyMap<number, number>,
  numbers: Int32Array,
  leaves: number,
): Pick<Trees, "leafTargets" | "leafWeights"> | undefined {
  const { weightTreeIds, weightNodeIds, weightTargets, weights, modes } = forest;
  const lists = [weightTreeIds, weightNodeIds, weightTargets];
  if (weights.length !== leaves || lists.some(({ length }) => length !== leaves)) return undefined;
  const leafTargets = new Array<number>(leaves).fill(-1);
  const leafWeights = new Array<number>(leaves).fill(0);
  for (const [index, weight] of weights.entries()) {
    const node = positions.get(keyOf(weightTreeIds[index], weightNodeIds[index]));
    if (node === undefined || modes[node] !== LEAF) return undefined;
    const leaf = numbers[node] ?? 0;
    if (leafTargets[leaf] !== -1) return undefined;
    leafTargets[leaf] = weightTargets[index] ?? 0;
    leafWeights[leaf] = weight;
  }
  return { leafTargets, leafWeights };
}

/** A node of a tree as one number. */
function keyOf(tree = 0, node = 0): number {
  return tree * 2 ** 26 + node;
}

function attribute(name: string, type: number, value: Uint8Array): Uint8Array {
  return encodeField(NODE.attribute, [
    encodeField(ATTRIBUTE.name, name),
    value,
    encodeNumberField(TYPE_FIELD, type),
  ]);
}

function intAttribute(name: string, value: number): Uint8Array {
  return attribute(name, INT, encodeNumberField(INT_FIELD, value));
}

function intsAttribute(name: string, values: readonly number[]): Uint8Array {
  return attribute(name, INTS, encodeField(ATTRIBUTE.ints, packNumbers(values)));
}

function floatsAttribute(name: string, values: readonly number[]): Uint8Array {
  const data = new DataView(new ArrayBuffer(values.length * 4));
  for (const [index, value] of values.entries()) data.setFloat32(index * 4, value, true);
  return tensorAttribute(name, FLOAT_DATA, values.length, new Uint8Array(data.buffer));
}

function modesAttribute(modes: readonly number[]): Uint8Array {
  return tensorAttribute("nodes_modes", UINT8_DATA, modes.length, Uint8Array.from(modes));
}

function tensorAttribute(
  name: string,
  datatype: number,
  size: number,
  data: Uint8Array,
): Uint8Array {
  const tensor = [
    encodeNumberField(TENSOR.dims, size),
    encodeNumberField(TENSOR.dataType, datatype),
    encodeField(TENSOR.rawData, data),
  ];
  return attribute(name, TENSOR_TYPE, encodeField(ATTRIBUTE.tensor, tensor));
}

/** Non-negative integers, one after the other. */
function packNumbers(values: readonly number[]): Uint8Array {
  const packed = new Uint8Array(values.length * 8);
  let at = 0;
  for (const value of values)
    if (value < 128) packed[at++] = value;
    else for (const byte of encodeVarint(value)) packed[at++] = byte;
  return packed.subarray(0, at);
}

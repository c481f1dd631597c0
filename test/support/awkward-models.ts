import type { Graph, Initializer } from "./onnx-builder.ts";

/** Unrealistic models, each with one property that a test needs. */

/** `c`: the number of ones in a tensor of the shape `s`, which the run allocates, so the input determines its memory. */
export const ones: Graph = {
  inputs: [{ name: "s", datatype: "INT64", shape: ["rank"] }],
  outputs: [{ name: "c", datatype: "FP32", shape: [] }],
  nodes: [
    { op: "ConstantOfShape", inputs: ["s"], outputs: ["all"], attributes: { value: { t: one() } } },
    { op: "ReduceSum", inputs: ["all"], outputs: ["c"], attributes: { keepdims: { i: 0 } } },
  ],
};

/** The same with a constant shape: the engine allocates the tensor when it loads the model. */
export function constantOnes(shape: readonly bigint[]): Graph {
  const data = BigInt64Array.from(shape);
  return {
    ...ones,
    inputs: [],
    weights: [{ name: "s", datatype: "INT64", shape: [shape.length], data }],
  };
}

/**
 * `c = a / b`. ONNX Runtime checks for a division by zero, but not for the one other division whose
 * quotient INT32 cannot represent, -2^31 / -1, where the processor, and WebAssembly with it, traps.
 */
export const quotient: Graph = {
  inputs: [
    { name: "a", datatype: "INT32", shape: ["n"] },
    { name: "b", datatype: "INT32", shape: ["n"] },
  ],
  outputs: [{ name: "c", datatype: "INT32", shape: ["n"] }],
  nodes: [{ op: "Div", inputs: ["a", "b"], outputs: ["c"] }],
};

/** `y = x + bias`: a minimal model, different for each bias. */
export function sum(bias: number): Graph {
  return {
    inputs: [{ name: "x", datatype: "FP32", shape: ["n"] }],
    outputs: [{ name: "y", datatype: "FP32", shape: ["n"] }],
    nodes: [{ op: "Add", inputs: ["x", "bias"], outputs: ["y"] }],
    weights: [{ name: "bias", datatype: "FP32", shape: [], data: Float32Array.of(bias) }],
  };
}

/** Columns of {@link product}'s input. */
export const PRODUCT_COLUMNS = 256;

/** `y = x w` with weights of the given MiB, different for each seed. */
export function product(mebibytes: number, seed: number): Graph {
  const rows = mebibytes * 1024;
  const data = new Float32Array(PRODUCT_COLUMNS * rows);
  for (let i = 0; i < data.length; i++) data[i] = (Math.imul(i + seed, 2654435761) >>> 22) / 1024;
  return {
    inputs: [{ name: "x", datatype: "FP32", shape: ["batch", PRODUCT_COLUMNS] }],
    outputs: [{ name: "y", datatype: "FP32", shape: ["batch", rows] }],
    nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
    weights: [{ name: "w", datatype: "FP32", shape: [PRODUCT_COLUMNS, rows], data }],
  };
}

/** Rows and columns of {@link powers}'s matrix. */
const POWERS_SIDE = 256;

/** `y`: the mean of a matrix of `x` that was multiplied by the same matrix so many times, 34 MFLOP each. */
export function powers(times: number): Graph {
  const side = POWERS_SIDE;
  // Rows that sum up to 1, so that the values stay in range.
  const data = new Float32Array(side * side).fill(1 / side);
  const shape = BigInt64Array.of(BigInt(side), BigInt(side));
  return {
    inputs: [{ name: "x", datatype: "FP32", shape: [1] }],
    outputs: [{ name: "y", datatype: "FP32", shape: [] }],
    nodes: [
      { op: "Expand", inputs: ["x", "shape"], outputs: ["power-0"] },
      ...Array.from({ length: times }, (_, index) => ({
        op: "MatMul",
        inputs: [`power-${index}`, "matrix"],
        outputs: [`power-${index + 1}`],
      })),
      {
        op: "ReduceMean",
        inputs: [`power-${times}`],
        outputs: ["y"],
        attributes: { keepdims: { i: 0 } },
      },
    ],
    weights: [
      { name: "shape", datatype: "INT64", shape: [2], data: shape },
      { name: "matrix", datatype: "FP32", shape: [side, side], data },
    ],
  };
}

/**
 * `y = 1 / 1024`: the mean of a matrix of 1024 x 1024 of that value, multiplied by itself so many times, 2 GFLOP and 4 MiB
 * each. Nothing is an input, so the engine computes it when it loads the model.
 */
export function constantPowers(times: number): Graph {
  const side = 1024;
  const shape = BigInt64Array.of(BigInt(side), BigInt(side));
  const value = { t: { ...one(), data: Float32Array.of(1 / side) } };
  return {
    outputs: [{ name: "y", datatype: "FP32", shape: [] }],
    nodes: [
      { op: "ConstantOfShape", inputs: ["shape"], outputs: ["power-0"], attributes: { value } },
      ...Array.from({ length: times }, (_, index) => ({
        op: "MatMul",
        inputs: [`power-${index}`, "power-0"],
        outputs: [`power-${index + 1}`],
      })),
      {
        op: "ReduceMean",
        inputs: [`power-${times}`],
        outputs: ["y"],
        attributes: { keepdims: { i: 0 } },
      },
    ],
    weights: [{ name: "shape", datatype: "INT64", shape: [2], data: shape }],
  };
}

/** `y = x + times`, by so many additions of 1: the input determines how long the run takes. */
export const additions: Graph = {
  inputs: [
    { name: "times", datatype: "INT64", shape: [] },
    { name: "x", datatype: "FP32", shape: [1] },
  ],
  outputs: [{ name: "y", datatype: "FP32", shape: [1] }],
  nodes: [
    {
      op: "Loop",
      inputs: ["times", "", "x"],
      outputs: ["y"],
      attributes: {
        body: {
          g: {
            inputs: [
              { name: "index", datatype: "INT64", shape: [] },
              { name: "goes", datatype: "BOOL", shape: [] },
              { name: "s", datatype: "FP32", shape: [1] },
            ],
            outputs: [
              { name: "goes-on", datatype: "BOOL", shape: [] },
              { name: "s1", datatype: "FP32", shape: [1] },
            ],
            nodes: [
              { op: "Identity", inputs: ["goes"], outputs: ["goes-on"] },
              { op: "Add", inputs: ["s", "one"], outputs: ["s1"] },
            ],
            weights: [one()].map((weight) => ({ ...weight, name: "one" })),
          },
        },
      },
    },
  ],
};

/**
 * A decision tree that is a path: `depth` nodes, one below the other. The engine builds trees by
 * recursion, so a deep one uses up its stack.
 */
export function path(depth: number): Graph {
  const nodes = Array.from({ length: depth }, (_, index) => index);
  const leaves = depth + 1;
  const tensor = (datatype: Initializer["datatype"], data: Initializer["data"]) => ({
    t: { name: "", datatype, shape: [data.length], data },
  });
  const attributes = {
    aggregate_function: { i: 1 },
    leaf_targetids: { ints: Array<number>(leaves).fill(0) },
    leaf_weights: tensor("FP32", new Float32Array(leaves).fill(1)),
    n_targets: { i: 1 },
    nodes_falseleafs: { ints: nodes.map(() => 1) },
    nodes_falsenodeids: { ints: nodes },
    nodes_featureids: { ints: nodes.map(() => 0) },
    nodes_modes: tensor("UINT8", new Uint8Array(depth)),
    nodes_splits: tensor("FP32", new Float32Array(depth)),
    nodes_trueleafs: { ints: nodes.map((index) => (index < depth - 1 ? 0 : 1)) },
    nodes_truenodeids: { ints: nodes.map((index) => index + 1) },
    post_transform: { i: 0 },
    tree_roots: { ints: [0] },
  };
  return {
    inputs: [{ name: "x", datatype: "FP32", shape: ["batch", 1] }],
    outputs: [{ name: "y", datatype: "FP32", shape: ["batch", 1] }],
    nodes: [
      { op: "TreeEnsemble", domain: "ai.onnx.ml", inputs: ["x"], outputs: ["y"], attributes },
    ],
  };
}

function one(): Initializer {
  return { name: "", datatype: "FP32", shape: [1], data: Float32Array.of(1) };
}

/**
 * One window for each run, as recurrent models are exported most of the time: with a state of a batch of
 * streams, and the rate as an input. `s1 = s / 2 + mean(x)` in each of its elements, `p = mean(s1) * rate`.
 */
export const leakySum: Graph = {
  inputs: [
    { name: "x", datatype: "FP32", shape: ["batch", 6] },
    { name: "s", datatype: "FP32", shape: [2, "batch", 3] },
    { name: "rate", datatype: "INT64", shape: [] },
  ],
  outputs: [
    { name: "p", datatype: "FP32", shape: ["batch", 1] },
    { name: "s1", datatype: "FP32", shape: [2, "batch", 3] },
  ],
  nodes: [
    { op: "ReduceMean", inputs: ["x", "last"], outputs: ["mean"] },
    { op: "Mul", inputs: ["s", "half"], outputs: ["kept"] },
    { op: "Add", inputs: ["kept", "mean"], outputs: ["s1"] },
    { op: "ReduceMean", inputs: ["s1", "outer"], outputs: ["level3"] },
    { op: "Reshape", inputs: ["level3", "column"], outputs: ["level"] },
    { op: "Cast", inputs: ["rate"], outputs: ["hertz"], attributes: { to: { i: 1 } } },
    { op: "Mul", inputs: ["level", "hertz"], outputs: ["p"] },
  ],
  weights: [
    { name: "last", datatype: "INT64", shape: [1], data: BigInt64Array.of(1n) },
    { name: "outer", datatype: "INT64", shape: [2], data: BigInt64Array.of(0n, 2n) },
    { name: "column", datatype: "INT64", shape: [2], data: BigInt64Array.of(-1n, 1n) },
    { name: "half", datatype: "FP32", shape: [], data: Float32Array.of(0.5) },
  ],
};

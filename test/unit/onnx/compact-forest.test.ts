import { describe, expect, test } from "vitest";
import type { Forest } from "../../../src/onnx/forest.ts";
import { readForest } from "../../../src/onnx/forest.ts";
import { forestProbes } from "../../../src/onnx/forest-probes.ts";
import { OnnxError } from "../../../src/onnx/onnx-scanner.ts";
import { encodeForest } from "../../../src/onnx/tree-ensemble.ts";
import { readExport } from "../../support/exported-models.ts";
import { adapt } from "../../support/rewrite-onnx.ts";

/** That the engine computes the same from both forms is tested in `test/workerd/exported-models.test.ts`. */

function forestOf(name: string): { forest: Forest; node: Uint8Array; columns: number } {
  const bytes = readExport(`${name}.onnx`);
  const { forest: place } = adapt(bytes);
  const node = bytes.subarray(place?.start, place?.end);
  const forest = readForest(node);
  if (!place || !forest) throw new Error(`${name} has no forest`);
  return { forest, node, columns: place.columns };
}

/** `x <= 0.5 ? 1 : 2`, and the same without a weight for a leaf and the like. */
const STUMP: Forest = {
  name: undefined,
  input: "x",
  output: "y",
  targets: 1,
  aggregate: "SUM",
  transform: "NONE",
  treeIds: [0, 0, 0],
  nodeIds: [0, 1, 2],
  features: [0, 0, 0],
  modes: ["BRANCH_LEQ", "LEAF", "LEAF"],
  splits: [0.5, 0, 0],
  trueIds: [1, 0, 0],
  falseIds: [2, 0, 0],
  missingTrue: [],
  weightTreeIds: [0, 0],
  weightNodeIds: [1, 2],
  weightTargets: [0, 0],
  weights: [1, 2],
  baseValues: [],
};

describe("a forest", () => {
  test("is found in a model whose only input it reads", () => {
    expect(adapt(readExport("forest-sklearn.onnx")).forest).toMatchObject({
      input: "X",
      columns: 4,
    });
    for (const name of ["sklearn-forest", "catboost", "overridable", "external"])
      expect(adapt(readExport(`${name}.onnx`)).forest).toBeUndefined();
  });

  test("is one node, and three with base values", () => {
    expect(encodeForest(STUMP)).toHaveLength(1);
    expect(encodeForest({ ...STUMP, baseValues: [3] })).toHaveLength(3);
  });

  test.each<[what: string, changes: Partial<Forest>]>([
    ["without nodes", { treeIds: [] }],
    ["with a list that is too short", { splits: [0.5, 0] }],
    ["with a branch to a node that there is not", { trueIds: [7, 0, 0] }],
    ["with a branch to another tree", { treeIds: [0, 0, 1] }],
    ["with two nodes of the same number", { nodeIds: [0, 1, 1] }],
    ["with a mode that there is not", { modes: ["BRANCH_NEAR", "LEAF", "LEAF"] }],
    ["with a tree that is one leaf", { modes: ["LEAF", "LEAF", "LEAF"] }],
    [
      "with a leaf without weight",
      { weights: [1], weightTreeIds: [0], weightNodeIds: [1], weightTargets: [0] },
    ],
    ["with two weights for a leaf", { weightNodeIds: [1, 1] }],
    ["with a weight for a branch", { weightNodeIds: [0, 1] }],
    ["with an aggregate that there is not", { aggregate: "MEDIAN" }],
    ["with a transform that there is not", { transform: "SQUARE" }],
    ["with a base value before a transform", { baseValues: [3], transform: "LOGISTIC" }],
    ["with more base values than targets", { baseValues: [3, 4] }],
  ])("%s stays as it is", (_, changes) => {
    expect(encodeForest({ ...STUMP, ...changes })).toBeUndefined();
  });

  test("that is damaged is read or refused", () => {
    const { node } = forestOf("forest-lightgbm");
    const outcomes = new Set<string>();
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 1000; round++) {
      const damaged = node.slice();
      damaged[random(damaged.length)] = random(256);
      try {
        const forest = readForest(damaged);
        outcomes.add(forest && encodeForest(forest) ? "encoded" : "left");
      } catch (error) {
        if (!(error instanceof OnnxError)) throw error;
        outcomes.add("refused");
      }
    }
    expect([...outcomes].sort()).toEqual(["encoded", "left", "refused"]);
  });
});

test("the probes of a forest are its thresholds, the numbers next to them, and no numbers", () => {
  const { forest, columns } = forestOf("forest-sklearn");
  const probes = forestProbes(forest, columns, 512);
  expect(probes).toHaveLength(512 * columns);
  expect(probes).toEqual(forestProbes(forest, columns, 512));
  const thresholds = new Set(forest.splits.filter((_, node) => forest.modes[node] !== "LEAF"));
  const values = [...probes];
  expect(values.some(Number.isNaN)).toBe(true);
  expect(values).toContain(Number.POSITIVE_INFINITY);
  expect(values).toContain(Number.NEGATIVE_INFINITY);
  const reached = new Set(values.filter((value) => thresholds.has(value)));
  expect(reached.size).toBe(thresholds.size);
  for (const value of values) {
    if (!Number.isFinite(value) || thresholds.has(value)) continue;
    // FP32 has 24 bits, so the next number is within 2^-23 of a threshold.
    const distance = Math.min(...[...thresholds].map((each) => Math.abs(each / value - 1)));
    expect(distance).toBeLessThan(2 ** -22);
  }
});

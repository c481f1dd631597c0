import { describe, expect, test } from "vitest";
import type { Links } from "../../../../src/explain/graph/explainable-graph.ts";
import { compileForest } from "../../../../src/explain/trees/compile-forest.ts";
import { scoresOf } from "../../../../src/explain/trees/compiled-forest.ts";
import { MODE } from "../../../../src/explain/trees/forest.ts";
import {
  explainByBackground,
  type TreeValues,
} from "../../../../src/explain/trees/interventional.ts";
import { createTreeBackground } from "../../../../src/explain/trees/tree-background.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";
import {
  copyForest,
  createRandomForest,
  enumerateShapley,
  evaluateForest,
  type RandomForest,
  type RandomForestOptions,
  randomValue,
} from "../../../support/random-forest.ts";

const noCheckpoint = async (): Promise<void> => undefined;

const FORESTS: readonly (RandomForestOptions & { name: string })[] = [
  { name: "stumps", trees: 5, depth: 1, featuresOf: [1, 1, 1], targets: 1 },
  { name: "single leaves", trees: 3, depth: 0, featuresOf: [1, 1], targets: 1 },
  {
    name: "small trees",
    trees: 6,
    depth: 3,
    featuresOf: [1, 1, 1, 1, 1],
    targets: 1,
    modes: [MODE.leq],
  },
  { name: "deep trees of few columns", trees: 3, depth: 9, featuresOf: [1, 1, 1], targets: 1 },
  { name: "columns of several features", trees: 6, depth: 5, featuresOf: [3, 1, 2, 1], targets: 2 },
  {
    name: "several targets a leaf",
    trees: 5,
    depth: 4,
    featuresOf: [1, 2, 1, 1],
    targets: 3,
    fullLeaves: true,
  },
  { name: "one target a leaf", trees: 8, depth: 4, featuresOf: [1, 1, 1, 1, 1, 1], targets: 3 },
];

describe("interventional values of random forests", () => {
  for (const options of FORESTS)
    test(`${options.name} have those of all coalitions`, async () => {
      const random = createSeededRandom(options.trees * 100 + options.depth);
      for (let round = 0; round < 5; round++) {
        const forest = createRandomForest(options, random);
        const rows = randomRows(forest, 12, random);
        const [row, ...background] = rows as [Float64Array, ...Float64Array[]];
        const expected = enumerate(forest, row, background);
        for (const { values, base, output } of await explainBothWays(forest, row, background)) {
          expectClose([...values], expected);
          expectClose([...output], evaluateForest(forest.forest, row));
          const sums = [...base].map((start, target) =>
            [...values.filter((_, at) => at % base.length === target)].reduce(
              (a, b) => a + b,
              start,
            ),
          );
          expectClose(sums, [...output]);
        }
      }
    });

  test("a column that no tree reads has no value", async () => {
    const random = createSeededRandom(7);
    const options = { trees: 8, depth: 5, featuresOf: [1, 1, 2, 1], targets: 1, unread: [2] };
    const forest = createRandomForest(options, random);
    const [row, ...background] = randomRows(forest, 20, random);
    for (const { values } of await explainBothWays(forest, row as Float64Array, background)) {
      expect(values[2]).toBe(0);
      expect(values.some((value) => value !== 0)).toBe(true);
    }
  });

  test("columns that are exchangeable have the same value", async () => {
    const random = createSeededRandom(8);
    const options = { trees: 4, depth: 4, featuresOf: [1, 1, 1], targets: 1 };
    const one = createRandomForest(options, random);
    // The same trees again, with the first two columns exchanged.
    const exchanged = copyForest(one.forest);
    for (const [node, feature] of exchanged.feature.entries())
      if (feature === 0 || feature === 1) exchanged.feature[node] = 1 - feature;
    const both = { ...one, forest: join(one.forest, exchanged) };
    const rows = randomRows(both, 15, random).map(([first = 0, , third = 0]) =>
      Float64Array.of(first, first, third),
    );
    const [row, ...background] = rows as [Float64Array, ...Float64Array[]];
    for (const { values } of await explainBothWays(both, row, background))
      expect(values[0]).toBeCloseTo(values[1] as number, 12);
  });

  test("values of two forests add up to those of both", async () => {
    const random = createSeededRandom(9);
    const options = { trees: 5, depth: 5, featuresOf: [1, 1, 1, 1, 1, 1, 1, 1], targets: 2 };
    const one = createRandomForest(options, random);
    const other = createRandomForest(options, random);
    const [row, ...background] = randomRows(one, 25, random) as [Float64Array, ...Float64Array[]];
    const both = { ...one, forest: join(one.forest, other.forest) };
    const [first] = await explainBothWays(one, row, background);
    const [second] = await explainBothWays(other, row, background);
    for (const sum of await explainBothWays(both, row, background))
      expectClose(
        [...sum.values],
        [...(first?.values ?? [])].map((value, at) => value + (second?.values[at] ?? 0)),
      );
  });

  test("many columns of one path", async () => {
    // A chain: each node reads a column of its own. Up to 31 columns have bits, up to 127 tabulated weights.
    for (const columns of [30, 31, 32, 40, 127, 128, 300]) {
      const random = createSeededRandom(columns);
      const { forest, row, other } = createChain(columns, random);
      // Of the whole chain the last leaf counts for all columns present, the others for known prefixes.
      const values = await explainBothWays(forest, row, [other]);
      const expected = chainValues(forest, row, other);
      for (const each of values) expectClose([...each.values], expected);
    }
  });
});

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [at, value] of expected.entries()) expect(actual[at]).toBeCloseTo(value, 10);
}

function randomRows(
  { columnOf }: RandomForest,
  count: number,
  random: () => number,
): Float64Array[] {
  return Array.from({ length: count }, () =>
    Float64Array.from(columnOf, () => randomValue(random)),
  );
}

async function explainBothWays(
  { forest, columnOf, columns }: RandomForest,
  row: Float64Array,
  background: readonly Float64Array[],
): Promise<readonly TreeValues[]> {
  const copy = copyForest(forest);
  const compiled = await compileForest(copy, { columnOf, columns }, noCheckpoint);
  for (const each of [row, ...background])
    expectClose([...scoresOf(compiled, each)], evaluateForest(forest, each));
  const question = {
    row,
    outputs: [...Array(forest.targets).keys()],
    links: linksOf(forest.targets),
    isLinked: false,
  };
  const found: TreeValues[] = [];
  for (const withTables of [false, true]) {
    const prepared = await createTreeBackground(compiled, background, withTables, noCheckpoint);
    found.push(await explainByBackground(compiled, prepared, question, noCheckpoint));
  }
  return found;
}

function linksOf(targets: number): Links {
  return {
    outputs: Array.from({ length: targets }, (_, target) => ({ target, sign: 1, offset: 0 })),
    link: "none",
    probabilities: false,
  };
}

function enumerate(
  { forest, columnOf, columns }: RandomForest,
  row: Float64Array,
  background: readonly Float64Array[],
): number[] {
  const byTarget = Array.from({ length: forest.targets }, (_, target) =>
    enumerateShapley(columns, (coalition) => {
      const scores = background.map((other) => {
        const mixed = other.map((value, feature) =>
          coalition & (1 << (columnOf[feature] ?? 0)) ? (row[feature] ?? 0) : value,
        );
        return evaluateForest(forest, mixed)[target] ?? 0;
      });
      return scores.reduce((a, b) => a + b, 0) / scores.length;
    }),
  );
  return Array.from({ length: columns }, (_, column) =>
    byTarget.map((values) => values[column] ?? 0),
  ).flat();
}

function join(one: RandomForest["forest"], other: RandomForest["forest"]): RandomForest["forest"] {
  const nodes = one.feature.length;
  const weights = one.weight.length;
  const sets = one.members.length;
  const shift = (list: Int32Array): Int32Array =>
    list.map((next, node) => next + ((other.feature[node] ?? -1) < 0 ? weights : nodes));
  const ints = (a: Int32Array, b: Int32Array): Int32Array => Int32Array.from([...a, ...b]);
  const floats = (a: Float64Array, b: Float64Array): Float64Array =>
    Float64Array.from([...a, ...b]);
  return {
    ...one,
    roots: ints(
      one.roots,
      other.roots.map((root) => root + nodes),
    ),
    feature: ints(one.feature, other.feature),
    mode: Uint8Array.from([...one.mode, ...other.mode]),
    threshold: floats(
      one.threshold,
      other.threshold.map((value, node) =>
        other.mode[node] === MODE.member ? value + sets : value,
      ),
    ),
    members: [...one.members, ...other.members],
    whenTrue: ints(one.whenTrue, shift(other.whenTrue)),
    whenFalse: ints(one.whenFalse, shift(other.whenFalse)),
    missingTrue: Uint8Array.from([...(one.missingTrue ?? []), ...(other.missingTrue ?? [])]),
    covers: undefined,
    weightTarget: ints(one.weightTarget, other.weightTarget),
    weight: floats(one.weight, other.weight),
    baseValues: one.baseValues.map((value, at) => value + (other.baseValues[at] ?? 0)),
  };
}

/** One tree whose node k reads column k and leads on where its value is 1; the row has 1 in some columns, the other row in the rest. */
function createChain(
  columns: number,
  random: () => number,
): { forest: RandomForest; row: Float64Array; other: Float64Array } {
  const inner = columns;
  const nodes = 2 * inner + 1;
  const feature = new Int32Array(nodes).fill(-1);
  const whenTrue = new Int32Array(nodes);
  const whenFalse = new Int32Array(nodes);
  const threshold = new Float64Array(nodes).fill(0.5);
  for (let node = 0; node < inner; node++) {
    feature[node] = node;
    whenFalse[node] = node + 1;
    whenTrue[node] = inner + 1 + node;
  }
  for (let leaf = 0; leaf <= inner; leaf++) {
    whenTrue[inner + leaf] = leaf;
    whenFalse[inner + leaf] = leaf + 1;
  }
  const row = new Float64Array(columns);
  const other = new Float64Array(columns);
  for (let column = 0; column < columns; column++) (random() < 0.5 ? row : other)[column] = 1;
  return {
    forest: {
      forest: {
        targets: 1,
        features: columns,
        roots: Int32Array.of(0),
        feature,
        mode: new Uint8Array(nodes),
        threshold,
        members: [],
        whenTrue,
        whenFalse,
        weightTarget: new Int32Array(inner + 1),
        weight: Float64Array.from({ length: inner + 1 }, () => random()),
        scale: 1,
        baseValues: Float64Array.of(0),
      },
      columnOf: Int32Array.from({ length: columns }, (_, column) => column),
      columns,
    },
    row,
    other,
  };
}

/** A leaf counts where the columns before it have their 1, and its own has not: of one of the rows, each. */
function chainValues(
  { forest, columns }: RandomForest,
  row: Float64Array,
  other: Float64Array,
): number[] {
  const values = Array.from({ length: columns }, () => 0);
  const logFactorial = (n: number): number => {
    let sum = 0;
    for (let k = 2; k <= n; k++) sum += Math.log(k);
    return sum;
  };
  for (let leaf = 0; leaf <= columns; leaf++) {
    // Leaf `columns` follows the last node; the others leave the chain at node `leaf - 1`.
    const added = forest.weight[leaf] ?? 0;
    const path = leaf === 0 ? columns : leaf - 1;
    const needs = Array.from({ length: path }, (_, column) => ({ column, one: true }));
    if (leaf > 0) needs.push({ column: path, one: false });
    const present = needs
      .filter(({ column, one }) => (row[column] === 1) === one)
      .map(({ column }) => column);
    const absent = needs
      .filter(({ column, one }) => (row[column] === 1) !== one)
      .map(({ column }) => column);
    const size = present.length + absent.length;
    for (const column of present)
      values[column] =
        (values[column] ?? 0) +
        added *
          Math.exp(
            logFactorial(present.length - 1) + logFactorial(absent.length) - logFactorial(size),
          );
    for (const column of absent)
      values[column] =
        (values[column] ?? 0) -
        added *
          Math.exp(
            logFactorial(present.length) + logFactorial(absent.length - 1) - logFactorial(size),
          );
    if (other.length !== columns) throw new Error("rows differ in length");
  }
  return values;
}

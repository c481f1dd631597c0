import { expect, test } from "vitest";
import { compileForest } from "../../../../src/explain/trees/compile-forest.ts";
import type { Forest } from "../../../../src/explain/trees/forest.ts";
import { explainByCovers } from "../../../../src/explain/trees/path-dependent.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";
import {
  copyForest,
  createRandomForest,
  enumerateShapley,
  evaluateForest,
  isTrue,
  randomValue,
} from "../../../support/random-forest.ts";

const noCheckpoint = async (): Promise<void> => undefined;

/** The score of a row of which some columns are known: elsewhere both branches count by their rows. */
function expectedScore(
  forest: Forest,
  node: number,
  row: Float64Array,
  isKnown: (feature: number) => boolean,
): number {
  const feature = forest.feature[node] ?? -1;
  const [whenTrue, whenFalse] = [forest.whenTrue[node] ?? 0, forest.whenFalse[node] ?? 0];
  if (feature < 0)
    return forest.weight.slice(whenTrue, whenFalse).reduce((sum, weight) => sum + weight, 0);
  const next = (child: number) => expectedScore(forest, child, row, isKnown);
  if (isKnown(feature)) return next(isTrue(forest, node, row) ? whenTrue : whenFalse);
  const covers = (child: number) => (forest.covers?.[child] ?? 0) / (forest.covers?.[node] ?? 1);
  return covers(whenTrue) * next(whenTrue) + covers(whenFalse) * next(whenFalse);
}

for (const [name, featuresOf, depth] of [
  ["columns of one feature", [1, 1, 1, 1, 1], 5],
  ["columns of several features", [2, 1, 3, 1], 6],
  ["paths longer than there are columns", [1, 1], 8],
] as const)
  test(`values by covers are those of all coalitions: ${name}`, async () => {
    const random = createSeededRandom(depth);
    for (let round = 0; round < 8; round++) {
      const options = { trees: 4, depth, featuresOf, targets: 1 };
      const { forest, columnOf, columns } = createRandomForest(options, random);
      const row = Float64Array.from(columnOf, () => randomValue(random));
      const score = (coalition: number): number =>
        [...forest.roots].reduce(
          (sum, root) =>
            sum +
            expectedScore(
              forest,
              root,
              row,
              (feature) => (coalition & (1 << (columnOf[feature] ?? 0))) !== 0,
            ),
          forest.baseValues[0] ?? 0,
        );
      const compiled = await compileForest(copyForest(forest), { columnOf, columns }, noCheckpoint);
      expect(compiled.covers).toBeDefined();
      const found = await explainByCovers(
        compiled,
        compiled.covers ?? new Float64Array(),
        {
          row,
          outputs: [0, 1],
          links: {
            outputs: [
              { target: 0, sign: 1, offset: 0 },
              { target: 0, sign: -1, offset: 1 },
            ],
            link: "none",
            probabilities: false,
          },
          isLinked: false,
        },
        noCheckpoint,
      );
      for (const [column, value] of enumerateShapley(columns, score).entries()) {
        expect(found.values[2 * column]).toBeCloseTo(value, 10);
        expect(found.values[2 * column + 1]).toBeCloseTo(-value, 10);
      }
      expect(found.base[0]).toBeCloseTo(score(0), 10);
      expect(found.base[1]).toBeCloseTo(1 - score(0), 10);
      expect(found.output[0]).toBeCloseTo(evaluateForest(forest, row)[0] ?? Number.NaN, 10);
    }
  });

test("numbers of rows that do not add up are no covers", async () => {
  const options = { trees: 2, depth: 3, featuresOf: [1, 1], targets: 1 };
  for (const wrong of [
    (covers: Float64Array) => covers.fill(1),
    (covers: Float64Array) => covers.fill(0),
    (covers: Float64Array) => covers.fill(Number.NaN),
    (covers: Float64Array) => covers.map((cover, node) => (node === 0 ? 2 * cover : cover)),
    () => new Float64Array(1),
    () => undefined,
  ]) {
    const { forest, ...of } = createRandomForest(options, createSeededRandom(3));
    const covers = wrong(Float64Array.from(forest.covers ?? []));
    const compiled = await compileForest({ ...forest, covers }, of, noCheckpoint);
    expect(compiled.covers).toBeUndefined();
  }
});

import { expect, test } from "vitest";
import { compileForest } from "../../../../src/explain/trees/compile-forest.ts";
import { type Forest, MAX_FOREST_NODES } from "../../../../src/explain/trees/forest.ts";
import { explainByBackground } from "../../../../src/explain/trees/interventional.ts";
import { WORK_PER_STEP } from "../../../../src/explain/trees/pace.ts";
import { createTreeBackground } from "../../../../src/explain/trees/tree-background.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";

const COLUMNS = 20;
const COLUMN_OF = Int32Array.from({ length: COLUMNS }, (_, column) => column);
const LINKS = {
  outputs: [{ target: 0, sign: 1, offset: 0 }],
  link: "none",
  probabilities: false,
} as const;

/** Complete trees, whose nodes compare random columns with random numbers. */
function createCompleteForest(trees: number, depth: number): Forest {
  const random = createSeededRandom(depth);
  const ofTree = 2 ** (depth + 1) - 1;
  const inner = 2 ** depth - 1;
  const nodes = trees * ofTree;
  const feature = new Int32Array(nodes).fill(-1);
  const threshold = new Float64Array(nodes);
  const whenTrue = new Int32Array(nodes);
  const whenFalse = new Int32Array(nodes);
  const weight = new Float64Array(trees * (inner + 1)).map(() => random());
  for (let tree = 0, leaf = 0; tree < trees; tree++)
    for (let at = 0; at < ofTree; at++) {
      const node = tree * ofTree + at;
      if (at >= inner) {
        whenTrue[node] = leaf;
        whenFalse[node] = ++leaf;
        continue;
      }
      feature[node] = Math.floor(random() * COLUMNS);
      threshold[node] = random();
      whenTrue[node] = tree * ofTree + 2 * at + 1;
      whenFalse[node] = tree * ofTree + 2 * at + 2;
    }
  return {
    targets: 1,
    features: COLUMNS,
    roots: Int32Array.from({ length: trees }, (_, tree) => tree * ofTree),
    feature,
    mode: new Uint8Array(nodes),
    threshold,
    members: [],
    whenTrue,
    whenFalse,
    weightTarget: new Int32Array(weight.length),
    weight,
    scale: 1,
    baseValues: new Float64Array(1),
  };
}

function chain(nodes: number): Forest {
  const inner = (nodes - 1) / 2;
  const feature = new Int32Array(nodes).fill(-1);
  const whenTrue = new Int32Array(nodes);
  const whenFalse = new Int32Array(nodes);
  for (let node = 0; node < inner; node++) {
    feature[node] = node % COLUMNS;
    whenTrue[node] = node + 1;
    whenFalse[node] = inner + 1 + node;
  }
  for (let leaf = 0; leaf <= inner; leaf++) {
    whenTrue[inner + leaf] = leaf;
    whenFalse[inner + leaf] = leaf + 1;
  }
  return {
    ...createCompleteForest(1, 0),
    feature,
    mode: new Uint8Array(nodes),
    threshold: new Float64Array(nodes).map((_, node) => 1 - node / nodes),
    whenTrue,
    whenFalse,
    weightTarget: new Int32Array(inner + 1),
    weight: new Float64Array(inner + 1).fill(1),
  };
}

function rows(count: number): Float64Array[] {
  const random = createSeededRandom(1);
  return Array.from({ length: count }, () => Float64Array.from(COLUMN_OF, () => random()));
}

for (const [name, create, largest] of [
  ["61 trees of depth 13", () => createCompleteForest(61, 13), 2 ** 14],
  ["one tree of depth 18", () => createCompleteForest(1, 18), 2 ** 19],
  ["1,000 trees of depth 9", () => createCompleteForest(1000, 9), 2 ** 10],
  ["a chain of 500,001 nodes", () => chain(500_001), 500_001],
] as const)
  test(`half a million nodes and more are explained in short steps: ${name}`, async () => {
    const forest = create();
    const nodes = forest.feature.length;
    expect(nodes).toBeGreaterThan(500_000);
    let steps = 0;
    const count = async (): Promise<void> => {
      steps += 1;
    };
    const compiled = await compileForest(forest, { columnOf: COLUMN_OF, columns: COLUMNS }, count);
    expect(steps).toBeGreaterThanOrEqual(Math.floor(nodes / 65_536));
    const [row = new Float64Array(), ...others] = rows(30);
    const background = await createTreeBackground(compiled, others, true, count);
    let longest = 0;
    let before = background.walk.visited;
    const measure = async (): Promise<void> => {
      longest = Math.max(longest, background.walk.visited - before);
      before = background.walk.visited;
    };
    const question = { row, outputs: [0], links: LINKS, isLinked: false };
    const found = await explainByBackground(compiled, background, question, measure);
    await measure();
    // It does not stop in the middle of a tree.
    expect(longest).toBeLessThan(WORK_PER_STEP + 2 * largest);
    const sum = found.values.reduce((total, value) => total + value, found.base[0] ?? 0);
    expect(sum).toBeCloseTo(found.output[0] ?? Number.NaN, 6);
  });

test("more nodes than memory would do for are refused at once", async () => {
  const forest = { ...createCompleteForest(1, 0), feature: new Int32Array(MAX_FOREST_NODES + 1) };
  const compiled = compileForest(
    forest,
    { columnOf: COLUMN_OF, columns: COLUMNS },
    async () => undefined,
  );
  await expect(compiled).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining(`at most ${MAX_FOREST_NODES} nodes and leaves`),
  });
});

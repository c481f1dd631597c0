import { type Forest, MODE } from "../../src/explain/trees/forest.ts";

/** A forest to be explained, and what its rows are like. */
export interface RandomForest {
  readonly forest: Forest;
  /** By feature. */
  readonly columnOf: Int32Array;
  readonly columns: number;
}

export interface RandomForestOptions {
  readonly trees: number;
  readonly depth: number;
  /** Features a column, in their order. */
  readonly featuresOf: readonly number[];
  readonly targets: number;
  /** Comparisons that occur. */
  readonly modes?: readonly number[];
  /** Columns that no tree reads. */
  readonly unread?: readonly number[];
  /** Whether each leaf has a weight for each target, or one of them. */
  readonly fullLeaves?: boolean;
}

const LEVELS = [-1, -0.5, 0, 0.25, 0.5, 1];

/** A value of a feature: one of a few, so that thresholds are met, and sometimes none. */
export function randomValue(random: () => number, missing = 0.1): number {
  if (random() < missing) return Number.NaN;
  return pick(LEVELS, random);
}

export function createRandomForest(
  {
    trees,
    depth,
    featuresOf,
    targets,
    modes = Object.values(MODE),
    unread = [],
    fullLeaves = false,
  }: RandomForestOptions,
  random: () => number,
): RandomForest {
  const columnOf = Int32Array.from(
    featuresOf.flatMap((count, column) => Array(count).fill(column)),
  );
  const readable = [...columnOf.keys()].filter(
    (each) => !unread.includes(columnOf[each] as number),
  );
  const roots: number[] = [];
  const feature: number[] = [];
  const mode: number[] = [];
  const threshold: number[] = [];
  const whenTrue: number[] = [];
  const whenFalse: number[] = [];
  const missingTrue: number[] = [];
  const covers: number[] = [];
  const members: Float64Array[] = [];
  const weight: number[] = [];
  const weightTarget: number[] = [];
  const grow = (level: number, cover: number): number => {
    const node = feature.length;
    feature.push(-1);
    mode.push(0);
    threshold.push(0);
    missingTrue.push(0);
    covers.push(cover);
    whenTrue.push(weight.length);
    whenFalse.push(weight.length);
    if (level === depth || (level > 0 && random() < 0.15)) {
      const all = fullLeaves ? [...Array(targets).keys()] : [Math.floor(random() * targets)];
      for (const target of all) {
        weight.push(random() * 2 - 1);
        weightTarget.push(target);
      }
      whenFalse[node] = weight.length;
      return node;
    }
    const code = pick(modes, random);
    feature[node] = pick(readable, random);
    mode[node] = code;
    threshold[node] = code === MODE.member ? members.length : pick(LEVELS, random);
    if (code === MODE.member) members.push(Float64Array.from(LEVELS.filter(() => random() < 0.5)));
    missingTrue[node] = random() < 0.5 ? 1 : 0;
    const part = Math.max(1, Math.floor(cover * (0.2 + 0.6 * random())));
    whenTrue[node] = grow(level + 1, part);
    whenFalse[node] = grow(level + 1, Math.max(1, cover - part));
    covers[node] = (covers[whenTrue[node]] ?? 0) + (covers[whenFalse[node]] ?? 0);
    return node;
  };
  for (let tree = 0; tree < trees; tree++) roots.push(grow(0, 1000));
  return {
    forest: {
      targets,
      features: columnOf.length,
      roots: Int32Array.from(roots),
      feature: Int32Array.from(feature),
      mode: Uint8Array.from(mode),
      threshold: Float64Array.from(threshold),
      members,
      whenTrue: Int32Array.from(whenTrue),
      whenFalse: Int32Array.from(whenFalse),
      missingTrue: Uint8Array.from(missingTrue),
      covers: Float64Array.from(covers),
      weightTarget: Int32Array.from(weightTarget),
      weight: Float64Array.from(weight),
      scale: 1,
      baseValues: Float64Array.from({ length: targets }, () => random()),
    },
    columnOf,
    columns: featuresOf.length,
  };
}

/** The forest with arrays of its own: to compile one rewrites them. */
export function copyForest(forest: Forest): Forest {
  return structuredClone(forest);
}

/** The scores of a row, comparison by comparison as the operator is documented. */
export function evaluateForest(forest: Forest, row: Float64Array): number[] {
  const sums = Array.from({ length: forest.targets }, () => 0);
  for (const root of forest.roots) {
    let node = root;
    while ((forest.feature[node] ?? -1) >= 0)
      node = (isTrue(forest, node, row) ? forest.whenTrue : forest.whenFalse)[node] ?? -1;
    for (let at = forest.whenTrue[node] ?? 0; at < (forest.whenFalse[node] ?? 0); at++) {
      const target = forest.weightTarget[at] ?? 0;
      sums[target] = (sums[target] ?? 0) + (forest.weight[at] ?? 0);
    }
  }
  return sums.map((sum, target) => (forest.baseValues[target] ?? 0) + forest.scale * sum);
}

export function isTrue(forest: Forest, node: number, row: Float64Array): boolean {
  const value = row[forest.feature[node] ?? 0] ?? Number.NaN;
  const threshold = forest.threshold[node] ?? Number.NaN;
  if (Number.isNaN(value) && forest.missingTrue?.[node] === 1) return true;
  switch (forest.mode[node]) {
    case MODE.leq:
      return value <= threshold;
    case MODE.lt:
      return value < threshold;
    case MODE.gte:
      return value >= threshold;
    case MODE.gt:
      return value > threshold;
    case MODE.eq:
      return value === threshold;
    case MODE.neq:
      return value !== threshold;
    default:
      return forest.members[threshold]?.includes(value) ?? false;
  }
}

/** Shapley values by their definition: over all coalitions. @param value of a coalition, one bit a player */
export function enumerateShapley(players: number, value: (coalition: number) => number): number[] {
  const worth = Array.from({ length: 2 ** players }, (_, coalition) => value(coalition));
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
  return Array.from({ length: players }, (_, player) => {
    let sum = 0;
    for (let coalition = 0; coalition < worth.length; coalition++) {
      if (coalition & (1 << player)) continue;
      const size = coalition.toString(2).replaceAll("0", "").length;
      const chance = (factorial(size) * factorial(players - size - 1)) / factorial(players);
      sum += chance * ((worth[coalition | (1 << player)] ?? 0) - (worth[coalition] ?? 0));
    }
    return sum;
  });
}

function pick<T>(choices: readonly T[], random: () => number): T {
  return choices[Math.floor(random() * choices.length)] as T;
}

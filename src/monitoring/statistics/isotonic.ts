export interface WeightedMean {
  readonly mean: number;
  readonly weight: number;
}

/**
 * The non-decreasing values nearest to the given means, by weighted squares: pool adjacent violators, Ayer et al. (1955), "An empirical distribution function
 * for sampling with incomplete information". Means without weight get the value of the block before them, or else of the one after.
 */
export function isotonic(means: readonly WeightedMean[]): number[] {
  const blocks: { mean: number; weight: number; indexes: number[] }[] = [];
  means.forEach(({ mean, weight }, index) => {
    if (weight <= 0) return;
    let block = { mean, weight, indexes: [index] };
    for (let last = blocks.at(-1); last && last.mean >= block.mean; last = blocks.at(-1)) {
      const weightOfBoth = last.weight + block.weight;
      block = {
        mean: (last.mean * last.weight + block.mean * block.weight) / weightOfBoth,
        weight: weightOfBoth,
        indexes: [...last.indexes, ...block.indexes],
      };
      blocks.pop();
    }
    blocks.push(block);
  });
  const values = new Array<number>(means.length).fill(Number.NaN);
  for (const { mean, indexes } of blocks) for (const index of indexes) values[index] = mean;
  let before = blocks[0]?.mean ?? Number.NaN;
  return values.map((value) => {
    if (!Number.isNaN(value)) before = value;
    return before;
  });
}

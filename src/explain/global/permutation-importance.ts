import type { Random } from "../../shared/random.ts";
import type { GlobalTable } from "./global-table.ts";
import type { Metric } from "./metrics.ts";

/** What the scores of one feature's permutations were less than that of the rows as they are. */
export interface Importance {
  readonly importances: readonly number[];
  readonly mean: number;
  /** Of the repeats, as `numpy.std`. */
  readonly deviation: number;
}

export interface ImportanceOptions {
  readonly metric: Metric;
  readonly truths: ArrayLike<number>;
  /** Indices of the model's outputs that the metric reads. */
  readonly outputs: readonly number[];
}

/** @param source by row, the row whose value of the column it gets; `undefined` for the rows as they are */
export async function scoreOf(
  { model, table, typed }: GlobalTable,
  { metric, truths, outputs }: ImportanceOptions,
  column = 0,
  source?: ArrayLike<number>,
): Promise<number> {
  const { rows, columns } = table;
  const predictions = new Float64Array(rows * outputs.length);
  await model.predictFrom({
    rows,
    columns,
    fill(into, first, count) {
      into.set(typed.subarray(first * columns, (first + count) * columns) as never);
      if (!source) return;
      for (let at = 0; at < count; at++) {
        const from = source[first + at] ?? first + at;
        into[at * columns + column] = typed[from * columns + column] as never;
      }
    },
    take({ values: found, width }, first, count) {
      for (let at = 0; at < count; at++)
        for (const [place, output] of outputs.entries())
          predictions[(first + at) * outputs.length + place] = found[at * width + output] ?? 0;
    },
  });
  return metric.compute(truths, predictions);
}

/**
 * How much worse the score is when the values of a column are shuffled over the rows.
 * Source: Breiman, Random Forests, Machine Learning 2001; `sklearn.inspection.permutation_importance`.
 * @param permutations one for each repeat
 */
export async function importanceOf(
  table: GlobalTable,
  options: ImportanceOptions,
  column: number,
  baseline: number,
  permutations: Iterable<ArrayLike<number>>,
): Promise<Importance> {
  const importances: number[] = [];
  const sign = options.metric.isLoss ? -1 : 1;
  for (const source of permutations)
    importances.push(sign * (baseline - (await scoreOf(table, options, column, source))));
  const mean = importances.reduce((sum, value) => sum + value, 0) / importances.length;
  const variance =
    importances.reduce((sum, value) => sum + (value - mean) ** 2, 0) / importances.length;
  return { importances, mean, deviation: Math.sqrt(variance) };
}

/** So many permutations of rows, each shuffled from the one before (Fisher-Yates). */
export function* drawPermutations(
  rows: number,
  repeats: number,
  random: Random,
): Generator<Int32Array> {
  const order = Int32Array.from({ length: rows }, (_, row) => row);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (let at = rows - 1; at > 0; at--) {
      const other = Math.floor(random() * (at + 1));
      [order[at], order[other]] = [order[other] as number, order[at] as number];
    }
    yield order;
  }
}

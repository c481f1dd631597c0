import type { ClassificationBlock } from "../../domain/blocks/postprocess/classification.ts";
import type { ExplanationSpace } from "../../domain/explanation/explanation.ts";
import type { Tensor } from "../../domain/tensor.ts";
import { sigmoid, softmax } from "../../shared/activations.ts";
import { toRows } from "../../tasks/numeric/rows.ts";
import { outputMismatch } from "../../tasks/output-errors.ts";
import type { OutputRows } from "./output-rows.ts";

/**
 * Log-odds of probabilities are computed of ones that are no nearer to 0 and 1 than this, about what FP32 distinguishes below 1: a tree
 * may be certain, and the log-odds of certainty are infinite.
 */
export const LEAST_PROBABILITY = 1e-7;

/**
 * Reads the scores of a classifier.
 * @returns by space: probabilities of all labels; the log-odds of each label against all others; or the output as it is
 */
export function classScores(
  { activation }: ClassificationBlock,
  labels: readonly string[],
  space: ExplanationSpace,
): (result: Tensor | undefined) => OutputRows {
  const ofRow = ROWS[space][activation];
  return (result) => {
    const rows = toRows(result).map((row) => ofRow(row, labels.length));
    const width = rows[0]?.length ?? 0;
    if (space !== "output" && width !== labels.length)
      throw outputMismatch(result, `[batch, ${labels.length}], a score for each label`);
    const values = new Float64Array(rows.length * width);
    for (const [index, row] of rows.entries()) values.set(row, index * width);
    return { width, values };
  };
}

type ReadRow = (row: number[], labels: number) => readonly number[];

const asItIs: ReadRow = (row) => row;

/** By space and by activation. */
const ROWS: Readonly<
  Record<ExplanationSpace, Readonly<Record<ClassificationBlock["activation"], ReadRow>>>
> = {
  output: { none: asItIs, sigmoid: asItIs, softmax: asItIs },
  probability: {
    none: withBothClasses,
    sigmoid: (row, labels) => withBothClasses(row.map(sigmoid), labels),
    softmax,
  },
  margin: {
    none: (row, labels) => logOdds(withBothClasses(row, labels)),
    // The model's own numbers are the log-odds.
    sigmoid: (row, labels) =>
      row.length === 1 && labels === 2 && row[0] !== undefined ? [-row[0], row[0]] : row,
    softmax: (row) => row.map((score, index) => score - logSumOfOthers(row, index)),
  },
};

/** A binary model may return the probability of its second label only. */
function withBothClasses(scores: readonly number[], labels: number): readonly number[] {
  const [score] = scores;
  return scores.length === 1 && labels === 2 && score !== undefined ? [1 - score, score] : scores;
}

/** Of each probability. Of two that add up to 1, the smaller one is the precise one. */
function logOdds(probabilities: readonly number[]): number[] {
  return probabilities.map((probability, index) => {
    const other = probabilities.length === 2 ? (probabilities[1 - index] ?? 0) : 1 - probability;
    return Math.log(held(probability)) - Math.log(held(other));
  });
}

function held(probability: number): number {
  return Math.min(Math.max(probability, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY);
}

/** log(sum(exp(x))) without one of them, computed without overflow. */
function logSumOfOthers(row: readonly number[], index: number): number {
  const max = row.reduce(
    (greatest, value, at) => (at === index ? greatest : Math.max(greatest, value)),
    -Infinity,
  );
  const sum = row.reduce(
    (total, value, at) => (at === index ? total : total + Math.exp(value - max)),
    0,
  );
  return max + Math.log(sum);
}

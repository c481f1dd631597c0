import type { ClassificationBlock } from "../../domain/blocks/postprocess/classification.ts";
import type { ExplanationSpace } from "../../domain/explanation/explanation.ts";
import type { Tensor } from "../../domain/tensor.ts";
import { sigmoid } from "../../shared/activations.ts";
import { outputMismatch } from "../../tasks/output-errors.ts";
import { OutputMemory, type OutputRows, readNumbers } from "./output-rows.ts";

/**
 * Log-odds are computed of probabilities that are held at least so far from 0 and 1, which is about what FP32 distinguishes below 1: a
 * tree may be certain, and the log-odds of certainty are infinite.
 */
export const LEAST_PROBABILITY = 1e-7;

/**
 * Reads the scores of a classifier.
 * @param space one of {@link classSpaces}
 * @returns by space: probabilities of all labels; the log-odds of each label against all others; the raw scores; or the output as it is
 */
export function classScores(
  { activation }: ClassificationBlock,
  labels: readonly string[],
  space: ExplanationSpace,
): (result: Tensor | undefined, memory?: OutputMemory) => OutputRows {
  const change = changeFor(activation, labels.length, space);
  return (result, memory = new OutputMemory()) => {
    const rank = result?.shape.length;
    const numbers = readNumbers(result, memory);
    if (space === "output" && (rank === 1 || rank === 2)) return numbers;
    const isBinary = numbers.width === 1 && labels.length === 2;
    if ((rank !== 1 && rank !== 2) || (numbers.width !== labels.length && !isBinary))
      throw outputMismatch(result, `[batch, ${labels.length}], a score for each label`);
    const rows = isBinary ? ofBinary(numbers.values, change, memory) : numbers;
    if (!isBinary) change.ofRows(rows.values, rows.width);
    return rows;
  };
}

/** What makes the numbers of a model those of a space, in place. */
interface Change {
  ofRows(values: Float64Array, width: number): void;
  /** Of a model that returns one number for two labels: those of the second. */
  ofSecond(values: Float64Array): void;
  /** What the numbers of both labels add up to. */
  readonly sum: 0 | 1;
}

const AS_THEY_ARE: Change = {
  ofRows: () => undefined,
  ofSecond: () => undefined,
  sum: 1,
};

const LOGITS: Change = {
  ofRows: (values, width) => eachRow(values, width, toLogOdds),
  ofSecond: (values) =>
    eachNumber(values, (value) => Math.log(held(value)) - Math.log(held(1 - value))),
  sum: 0,
};

const SIGMOIDS: Change = {
  ofRows: (values) => eachNumber(values, sigmoid),
  ofSecond: (values) => eachNumber(values, sigmoid),
  sum: 1,
};

/** The number that a sigmoid is applied to is the log-odds. */
const LOG_ODDS: Change = { ...AS_THEY_ARE, sum: 0 };

const SOFTMAX: Change = {
  ...AS_THEY_ARE,
  ofRows: (values, width) => eachRow(values, width, softmax),
};

const SOFTMAX_LOG_ODDS: Change = {
  ...AS_THEY_ARE,
  ofRows: (values, width) => eachRow(values, width, logOddsOfSoftmax),
};

type Activation = ClassificationBlock["activation"];

/** By space and by activation. */
const CHANGES: Readonly<
  Record<Exclude<ExplanationSpace, "margin">, Readonly<Record<Activation, Change>>>
> = {
  output: { none: AS_THEY_ARE, sigmoid: AS_THEY_ARE, softmax: AS_THEY_ARE },
  probability: { none: AS_THEY_ARE, sigmoid: SIGMOIDS, softmax: SOFTMAX },
  log_odds: { none: LOGITS, sigmoid: LOG_ODDS, softmax: SOFTMAX_LOG_ODDS },
};

/**
 * The spaces of a classifier whose outputs are read, the default first. The raw scores behind the probabilities of more than two labels
 * are not known where the model returns the probabilities themselves: softmax forgets what all scores have in common.
 */
export function classSpaces(
  { activation }: Pick<ClassificationBlock, "activation">,
  labels: number,
): readonly ExplanationSpace[] {
  const hasMargin = labels <= 2 || activation !== "none";
  return ["probability", ...(hasMargin ? (["margin"] as const) : []), "log_odds", "output"];
}

/** The raw score of one of two labels is its log-odds: the score of logistic regression. */
function changeFor(activation: Activation, labels: number, space: ExplanationSpace): Change {
  if (space !== "margin") return CHANGES[space][activation];
  return labels <= 2 || activation === "none" ? CHANGES.log_odds[activation] : AS_THEY_ARE;
}

/** Both labels of a binary model that returns a number for its second one only. */
function ofBinary(
  values: Float64Array,
  { ofSecond, sum }: Change,
  memory: OutputMemory,
): OutputRows {
  ofSecond(values);
  const both = memory.take("scores", 2 * values.length);
  for (let row = 0; row < values.length; row++) {
    const second = values[row] as number;
    both[2 * row] = sum - second;
    both[2 * row + 1] = second;
  }
  return { width: 2, values: both };
}

function eachNumber(values: Float64Array, change: (value: number) => number): void {
  for (let at = 0; at < values.length; at++) values[at] = change(values[at] as number);
}

function eachRow(values: Float64Array, width: number, change: (row: Float64Array) => void): void {
  for (let at = 0; at < values.length; at += width) change(values.subarray(at, at + width));
}

/** `exp(x) / sum(exp(x))`, computed without overflow. */
function softmax(row: Float64Array): void {
  const max = greatestBut(row, -1);
  let sum = 0;
  for (let at = 0; at < row.length; at++) sum += row[at] = Math.exp((row[at] as number) - max);
  for (let at = 0; at < row.length; at++) (row[at] as number) /= sum;
}

/** `x - log(sum(exp(others)))` */
function logOddsOfSoftmax(row: Float64Array): void {
  const scores = row.slice();
  for (let label = 0; label < row.length; label++) {
    const max = greatestBut(scores, label);
    let sum = 0;
    for (let at = 0; at < scores.length; at++)
      if (at !== label) sum += Math.exp((scores[at] as number) - max);
    row[label] = (scores[label] as number) - max - Math.log(sum);
  }
}

function greatestBut(row: Float64Array, without: number): number {
  let greatest = -Infinity;
  for (let at = 0; at < row.length; at++)
    if (at !== without) greatest = Math.max(greatest, row[at] as number);
  return greatest;
}

/** Of each probability. Of two that add up to 1, the smaller one is the precise one. */
function toLogOdds(row: Float64Array): void {
  const probabilities = row.slice();
  for (const [at, probability] of probabilities.entries()) {
    const other = row.length === 2 ? (probabilities[1 - at] as number) : 1 - probability;
    row[at] = Math.log(held(probability)) - Math.log(held(other));
  }
}

function held(probability: number): number {
  return Math.min(Math.max(probability, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY);
}

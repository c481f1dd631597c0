import { CONFIDENCE_BINS, confidenceBin } from "../statistics/confidence-bins.ts";

/** Different pairs of truth and prediction that are told apart; others count in all but the numbers by label. */
export const MAX_PAIRS = 4096;

/** Predictions with a confidence in one bin. */
export interface ReliabilityBin {
  count: number;
  correct: number;
  /** Sum of the confidences. */
  confidence: number;
}

/** Errors of predicted numbers: prediction minus truth. */
export interface ErrorSums {
  count: number;
  error: number;
  absolute: number;
  /** Sums of the second and the fourth powers. */
  squared: number;
  fourth: number;
}

/** What truths say of the predictions of a version, as sums that can be merged, and from which a truth can be taken again. */
export interface TruthSums {
  /** Items whose truth is known: the rows of a batch are items. */
  truths: number;
  /** Of labels. */
  correct: number;
  /** By truth, then by prediction. */
  pairs: Record<string, Record<string, number>>;
  /** By {@link CONFIDENCE_BINS} bins of the confidence of the predicted label. */
  bins: ReliabilityBin[];
  /** Of (confidence - right)^2, where `right` is 1 or 0, and of its square. */
  brier: number;
  brierSquared: number;
  values: ErrorSums;
}

/** Of requests in an hour, by the time of the prediction. */
export interface TruthWindow {
  readonly version: string;
  /** In milliseconds since the epoch. */
  readonly start: number;
  readonly seconds: number;
  readonly sums: TruthSums;
}

/** What was predicted of an item, and what was true. */
export type TruthPair =
  | {
      readonly kind: "label";
      readonly predicted: string;
      readonly truth: string;
      readonly confidence: number | undefined;
    }
  | { readonly kind: "value"; readonly predicted: number; readonly truth: number };

export function emptyTruthSums(): TruthSums {
  return {
    truths: 0,
    correct: 0,
    pairs: {},
    bins: Array.from({ length: CONFIDENCE_BINS }, () => ({ count: 0, correct: 0, confidence: 0 })),
    brier: 0,
    brierSquared: 0,
    values: { count: 0, error: 0, absolute: 0, squared: 0, fourth: 0 },
  };
}

/** @param sign -1 takes a truth away that was added before */
export function addTruth(sums: TruthSums, pair: TruthPair, sign: 1 | -1 = 1): void {
  sums.truths += sign;
  if (pair.kind === "value") addError(sums.values, pair.predicted - pair.truth, sign);
  else addLabel(sums, pair, sign);
}

function addLabel(
  sums: TruthSums,
  { predicted, truth, confidence }: Extract<TruthPair, { kind: "label" }>,
  sign: 1 | -1,
): void {
  const right = predicted === truth ? 1 : 0;
  sums.correct += sign * right;
  addPair(sums.pairs, truth, predicted, sign);
  if (confidence === undefined) return;
  const bin = sums.bins[confidenceBin(confidence)];
  if (!bin) return;
  bin.count += sign;
  bin.correct += sign * right;
  bin.confidence += sign * confidence;
  const loss = (confidence - right) ** 2;
  sums.brier += sign * loss;
  sums.brierSquared += sign * loss ** 2;
}

function addPair(pairs: TruthSums["pairs"], truth: string, predicted: string, count: number): void {
  const known = Object.hasOwn(pairs, truth) ? pairs[truth] : undefined;
  const now = known && Object.hasOwn(known, predicted) ? (known[predicted] ?? 0) : 0;
  if (now === 0 && (count < 0 || countPairs(pairs) >= MAX_PAIRS)) return;
  const row = known ?? {};
  if (now + count <= 0) delete row[predicted];
  else define(row, predicted, now + count);
  if (Object.keys(row).length === 0) delete pairs[truth];
  else define(pairs, truth, row);
}

/** Also for a label such as `__proto__`. */
function define<T>(record: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(record, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function countPairs(pairs: TruthSums["pairs"]): number {
  let count = 0;
  for (const truth in pairs) count += Object.keys(pairs[truth] ?? {}).length;
  return count;
}

function addError(values: ErrorSums, error: number, sign: 1 | -1): void {
  values.count += sign;
  values.error += sign * error;
  values.absolute += sign * Math.abs(error);
  values.squared += sign * error ** 2;
  values.fourth += sign * error ** 4;
}

/** Adds all of the other sums to the first ones. */
export function mergeTruthSums(into: TruthSums, other: TruthSums): void {
  into.truths += other.truths;
  into.correct += other.correct;
  into.brier += other.brier;
  into.brierSquared += other.brierSquared;
  for (const [truth, row] of Object.entries(other.pairs))
    for (const [predicted, count] of Object.entries(row))
      addPair(into.pairs, truth, predicted, count);
  into.bins.forEach((bin, index) => {
    const more = other.bins[index];
    if (!more) return;
    bin.count += more.count;
    bin.correct += more.correct;
    bin.confidence += more.confidence;
  });
  for (const name of ["count", "error", "absolute", "squared", "fourth"] as const)
    into.values[name] += other.values[name];
}

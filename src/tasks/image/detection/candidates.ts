import type { ObjectDetectionBlock } from "../../../domain/blocks/postprocess/object-detection.ts";
import { sigmoid } from "../../../shared/activations.ts";
import { type BoxValues, type DetectionValues, valueAt } from "./detection-values.ts";

/** Scores that reach the threshold. */
export interface Candidates {
  readonly scores: Float32Array;
  /** The box of each. */
  readonly rows: Int32Array;
  /** Their indices among the labels. */
  readonly labels: Int32Array;
}

/** How far below a threshold a logit may be whose sigmoid reaches it, by rounding. */
const ROUNDING = 1e-3;

/** Which labels of which boxes are candidates; their scores are those that are returned. */
export function createCandidateFinder(
  block: Pick<
    ObjectDetectionBlock,
    "scoreActivation" | "scoring" | "labelsPerBox" | "ignoreLabels"
  >,
  labels: readonly string[],
): (values: DetectionValues, threshold: number) => Candidates {
  const wanted = labels.flatMap((label, at) => (block.ignoreLabels.includes(label) ? [] : [at]));
  const { scoreActivation, scoring, labelsPerBox } = block;
  if (scoring === "class-index")
    return (values, threshold) =>
      ofIndices(values, threshold, new Set(wanted), scoreActivation === "sigmoid");
  return (values, threshold) => {
    const { count, objectness, scores } = values;
    const score = createScore(scoreActivation, scores, labels.length);
    const any = objectness && createScore(scoreActivation, objectness, 1);
    const isBest = labelsPerBox === "best";
    const found = new CandidateList(count * (isBest ? 1 : wanted.length));
    // A product with a probability is not above its other factor.
    const least = scoreActivation === "softmax" ? -Infinity : leastRaw(scoreActivation, threshold);
    for (let row = 0; row < count; row++) {
      const factor = any ? any(row, 0) : 1;
      if (any && factor < threshold) continue;
      let bestLabel = -1;
      let best = -Infinity;
      for (const label of wanted) {
        const raw = valueAt(scores, row, label);
        if (raw < least) continue;
        if (isBest) {
          if (raw > best) [best, bestLabel] = [raw, label];
          continue;
        }
        const value = score(row, label) * factor;
        if (value >= threshold) found.add(value, row, label);
      }
      if (bestLabel < 0) continue;
      const value = score(row, bestLabel) * factor;
      if (value >= threshold) found.add(value, row, bestLabel);
    }
    return found.end();
  };
}

/** The lowest output that can become a score of the threshold. */
function leastRaw(activation: "none" | "sigmoid", threshold: number): number {
  if (activation === "none") return threshold;
  return Math.log(threshold / (1 - threshold)) - ROUNDING;
}

/** One score of each box, and the index of its label; of an index without a label there is none. */
function ofIndices(
  { count, scores, classes }: DetectionValues,
  threshold: number,
  wanted: ReadonlySet<number>,
  isLogit: boolean,
): Candidates {
  const found = new CandidateList(count);
  for (let row = 0; row < count; row++) {
    const raw = valueAt(scores, row, 0);
    const value = isLogit ? sigmoid(raw) : raw;
    if (!(value >= threshold)) continue;
    const label = classes ? Math.round(valueAt(classes, row, 0)) : 0;
    if (wanted.has(label)) found.add(value, row, label);
  }
  return found.end();
}

type Score = (row: number, column: number) => number;

function createScore(
  activation: ObjectDetectionBlock["scoreActivation"],
  scores: BoxValues,
  labels: number,
): Score {
  switch (activation) {
    case "none":
      return (row, column) => valueAt(scores, row, column);
    case "sigmoid":
      return (row, column) => sigmoid(valueAt(scores, row, column));
    case "softmax":
      return createSoftmax(scores, labels);
  }
}

/** Over all labels, ignored ones too; a row's sum is computed once. */
function createSoftmax(scores: BoxValues, labels: number): Score {
  let known = -1;
  let top = 0;
  let sum = 1;
  return (row, column) => {
    if (row !== known) {
      known = row;
      top = -Infinity;
      sum = 0;
      for (let label = 0; label < labels; label++) top = Math.max(top, valueAt(scores, row, label));
      for (let label = 0; label < labels; label++)
        sum += Math.exp(valueAt(scores, row, label) - top);
    }
    return Math.exp(valueAt(scores, row, column) - top) / sum;
  };
}

class CandidateList {
  readonly #scores: Float32Array;
  readonly #rows: Int32Array;
  readonly #labels: Int32Array;
  #count = 0;

  /** @param most how many there can be */
  constructor(most: number) {
    this.#scores = new Float32Array(most);
    this.#rows = new Int32Array(most);
    this.#labels = new Int32Array(most);
  }

  add(score: number, row: number, label: number): void {
    this.#scores[this.#count] = score;
    this.#rows[this.#count] = row;
    this.#labels[this.#count++] = label;
  }

  end(): Candidates {
    return {
      scores: this.#scores.subarray(0, this.#count),
      rows: this.#rows.subarray(0, this.#count),
      labels: this.#labels.subarray(0, this.#count),
    };
  }
}

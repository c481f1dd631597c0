import type { Manifest } from "../../domain/manifest.ts";
import {
  toBinnedReference,
  toCategoryReference,
  toNumericReference,
} from "../../domain/monitoring/reference-feature.ts";
import {
  MAX_CATEGORIES,
  type ReferenceFeature,
} from "../../domain/monitoring/reference-profile.ts";
import { CONFIDENCE_BINS, confidenceBin } from "../../domain/statistics/confidence-bins.ts";
import { findsLabels, labelOf } from "../../domain/statistics/found-labels.ts";

/** Between the bins in which statistics count the probability of the label that was predicted. */
const CONFIDENCE_EDGES = Array.from(
  { length: CONFIDENCE_BINS - 1 },
  (_, index) => (index + 1) / CONFIDENCE_BINS,
);

/** Gathers predictions, by the features that statistics have: `label` and `confidence`, or `value`. */
export interface PredictionFeatures {
  /** @param predictions one for each row, as the task API returns them */
  add(predictions: readonly unknown[]): void;
  references(): ReferenceFeature[];
}

export function createPredictionFeatures({
  labels = [],
  postprocess,
}: Manifest): PredictionFeatures {
  const indexes = new Map(labels.map((label, index) => [label, index]));
  const found = { labels: [] as number[], confidences: [] as number[], values: [] as number[] };
  const isFound = findsLabels({ postprocess });

  function add(prediction: unknown): void {
    if (typeof prediction === "number") found.values.push(prediction);
    if (!Array.isArray(prediction)) return;
    if (typeof prediction[0] === "object" && !Array.isArray(prediction[0]))
      for (const each of isFound ? prediction : prediction.slice(0, 1)) addLabel(each);
    // Of a regression with several targets.
    else for (const each of prediction) add(each);
  }

  /** @param labelled the best label of a row, or what was found */
  function addLabel(labelled: Readonly<Record<string, unknown>> | null): void {
    const name = labelled ? labelOf(labelled) : undefined;
    if (name === undefined) return;
    const score = labelled?.score;
    found.labels.push(indexes.get(name) ?? labels.length);
    if (typeof score === "number" && score >= 0 && score <= 1)
      found.confidences.push(toMiddle(score));
  }

  return {
    add: (predictions) => predictions.forEach(add),
    references: () => [
      ...(found.labels.length > 0 && labels.length > 0 && labels.length <= MAX_CATEGORIES
        ? [toCategoryReference("label", labels, found.labels)]
        : []),
      ...(found.confidences.length > 0
        ? [toBinnedReference("confidence", found.confidences, CONFIDENCE_EDGES)]
        : []),
      ...(found.values.length > 0 ? [toNumericReference("value", found.values)] : []),
    ],
  };
}

/** The middle of its bin. Those of statistics have their lower edges and not their upper ones. */
function toMiddle(confidence: number): number {
  return (confidenceBin(confidence) + 0.5) / CONFIDENCE_BINS;
}

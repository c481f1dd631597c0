import type { EstimatedAccuracy, Unavailable } from "../../domain/monitoring/accuracy-report.ts";
import type { Estimate } from "../../domain/monitoring/estimate.ts";
import type { CalibrationMap } from "./calibration-map.ts";
import { normal } from "./interval.ts";

/**
 * Confidence-based performance estimation: the accuracy that calibrated confidences make expected, before a truth is known. It sees that requests are harder,
 * not that the meaning of inputs has changed. The interval has the chance of these predictions and that of the calibration.
 * @param confidences counts by bin, for each predicted label
 * @param labels all labels of the model, as far as they are known
 */
export function estimateAccuracy(
  confidences: Readonly<Record<string, readonly number[]>>,
  calibration: CalibrationMap | undefined,
  labels: readonly string[] = [],
): EstimatedAccuracy | Unavailable {
  const counts = totalsOf(confidences);
  const predictions = counts.reduce((sum, count) => sum + count, 0);
  if (predictions === 0)
    return {
      unavailable: "no_confidences",
      reason: "There are no predictions with a confidence in this time.",
    };
  if (!calibration)
    return {
      unavailable: "not_calibrated",
      reason:
        'Nothing says what the confidences of this version are worth: send the truths of 200 predictions, or state "calibrated" in the manifest of a model whose confidences are probabilities.',
    };
  const { source, truths, tolerance } = calibration;
  return {
    source,
    calibrationTruths: truths,
    predictions,
    accuracy: widened(expectedShare(counts, predictions, calibration), tolerance),
    macroF1: expectedF1(confidences, calibration, labels),
  };
}

function totalsOf(confidences: Readonly<Record<string, readonly number[]>>): number[] {
  const totals: number[] = [];
  for (const histogram of Object.values(confidences))
    histogram.forEach((count, bin) => {
      totals[bin] = (totals[bin] ?? 0) + count;
    });
  return totals;
}

function expectedShare(
  counts: readonly number[],
  total: number,
  { shares, support }: CalibrationMap,
): Estimate {
  let value = 0;
  let variance = 0;
  counts.forEach((count, bin) => {
    const share = shares[bin] ?? 0;
    const known = support[bin] ?? 0;
    value += (count / total) * share;
    // Two pseudo-observations, so that a bin without a wrong prediction is not known for certain.
    const spread = ((share * known + 1) / (known + 2)) * (((1 - share) * known + 1) / (known + 2));
    variance += (count * spread) / total ** 2;
    if (known > 0) variance += (count / total) ** 2 * (spread / known);
  });
  return normal(value, variance, { min: 0, max: 1 });
}

function widened({ value, low, high }: Estimate, by: number): Estimate {
  return { value, low: Math.max(0, low - by), high: Math.min(1, high + by) };
}

interface Expected {
  hits: number;
  predicted: number;
  truths: number;
}

function expectedF1(
  confidences: Readonly<Record<string, readonly number[]>>,
  { shares, pairs }: CalibrationMap,
  labels: readonly string[],
): number | Unavailable {
  const all = new Set([...labels, ...Object.keys(confidences), ...Object.keys(pairs)]);
  if (all.size > 2 && Object.keys(pairs).length === 0)
    return {
      unavailable: "unknown_confusions",
      reason:
        "Of more than two labels, F1 takes truths that say which labels are mistaken for which.",
    };
  const expected = new Map<string, Expected>();
  for (const label of all) expected.set(label, { hits: 0, predicted: 0, truths: 0 });
  for (const [label, histogram] of Object.entries(confidences)) {
    const each = expected.get(label);
    if (!each) continue;
    histogram.forEach((count, bin) => {
      each.predicted += count;
      each.hits += count * (shares[bin] ?? 0);
    });
    each.truths += each.hits;
    const wrong = each.predicted - each.hits;
    for (const [other, share] of mistakenFor(label, all, pairs)) {
      const truth = expected.get(other);
      if (truth) truth.truths += wrong * share;
    }
  }
  const scores = [...expected.values()]
    .filter(({ predicted, truths }) => predicted + truths > 0)
    .map(({ hits, predicted, truths }) => (2 * hits) / (predicted + truths));
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** What is true of wrong predictions of a label, as shares: what was known of them, and without that each of the others alike. */
function* mistakenFor(
  label: string,
  all: ReadonlySet<string>,
  pairs: CalibrationMap["pairs"],
): Generator<[string, number]> {
  const counts = new Map<string, number>();
  let total = 0;
  for (const [truth, row] of Object.entries(pairs)) {
    const count = truth !== label && Object.hasOwn(row, label) ? (row[label] ?? 0) : 0;
    if (count <= 0) continue;
    counts.set(truth, count);
    total += count;
  }
  if (total > 0) for (const [truth, count] of counts) yield [truth, count / total];
  else for (const other of all) if (other !== label) yield [other, 1 / (all.size - 1)];
}

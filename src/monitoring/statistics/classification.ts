import type { ClassificationReport, LabelReport } from "../../domain/monitoring/accuracy-report.ts";
import type { Estimate } from "../../domain/monitoring/estimate.ts";
import type { TruthSums } from "../../domain/monitoring/truth-sums.ts";
import { normal, wilson } from "./interval.ts";

interface Margins {
  /** Right predictions. */
  hits: number;
  truths: number;
  predicted: number;
}

/** @returns `undefined` without truths that are labels */
export function reportClassification({
  pairs,
  correct,
  truths,
  values,
}: TruthSums): ClassificationReport | undefined {
  const count = truths - values.count;
  const accuracy = wilson(correct, count);
  if (!accuracy) return undefined;
  const margins = marginsOf(pairs);
  const labels = [...margins].map(([label, each]) => reportLabel(label, each));
  const f1 = macroF1(pairs, margins);
  // Without a wrong prediction the delta method sees no chance at all.
  const low = correct === count ? accuracy.low : f1.low;
  return { accuracy, macroF1: { ...f1, low }, labels };
}

function marginsOf(pairs: TruthSums["pairs"]): Map<string, Margins> {
  const margins = new Map<string, Margins>();
  const of = (label: string): Margins => {
    const known = margins.get(label) ?? { hits: 0, truths: 0, predicted: 0 };
    margins.set(label, known);
    return known;
  };
  for (const [truth, row] of Object.entries(pairs))
    for (const [predicted, count] of Object.entries(row)) {
      of(truth).truths += count;
      of(predicted).predicted += count;
      if (truth === predicted) of(truth).hits += count;
    }
  return new Map([...margins].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Precision and recall are shares, with Wilson's interval. F1 is 2J / (1 + J) of the index of Jaccard J, which is the share of right predictions
 * among the items that are the label or were predicted as it: its interval is that of J, transformed.
 */
function reportLabel(label: string, { hits, truths, predicted }: Margins): LabelReport {
  const jaccard = wilson(hits, truths + predicted - hits);
  const toF1 = (share: number): number => (2 * share) / (1 + share);
  return {
    label,
    truths,
    predicted,
    precision: wilson(hits, predicted),
    recall: wilson(hits, truths),
    f1: jaccard && {
      value: toF1(jaccard.value),
      low: toF1(jaccard.low),
      high: toF1(jaccard.high),
    },
  };
}

/**
 * With the interval by the delta method over the multinomial distribution of the pairs: Takahashi, Yamamoto, Kuchiba, Koyama (2022), "Confidence
 * interval for micro-averaged F1 and macro-averaged F1 scores", Applied Intelligence 52.
 */
function macroF1(pairs: TruthSums["pairs"], margins: ReadonlyMap<string, Margins>): Estimate {
  const classes = margins.size;
  let sum = 0;
  let total = 0;
  for (const { hits, truths, predicted } of margins.values()) {
    sum += (2 * hits) / (truths + predicted);
    total += truths;
  }
  // The derivatives of the mean by the share of a pair; shares are counts divided by `total`.
  const slope = (label: string): number => {
    const { hits, truths, predicted } = margins.get(label) ?? { hits: 0, truths: 1, predicted: 0 };
    return ((-2 * hits) / (truths + predicted) ** 2) * total;
  };
  const gain = (label: string): number => {
    const { truths, predicted } = margins.get(label) ?? { truths: 1, predicted: 0 };
    return (2 / (truths + predicted)) * total;
  };
  let mean = 0;
  let meanSquare = 0;
  for (const [truth, row] of Object.entries(pairs))
    for (const [predicted, count] of Object.entries(row)) {
      const isHit = truth === predicted;
      const derivative = (slope(truth) + slope(predicted) + (isHit ? gain(truth) : 0)) / classes;
      mean += (count / total) * derivative;
      meanSquare += (count / total) * derivative ** 2;
    }
  return normal(sum / classes, (meanSquare - mean ** 2) / total, { min: 0, max: 1 });
}

import type { FeatureAggregate, PredictionAggregate } from "../../domain/monitoring/aggregate.ts";
import { sumOf } from "../../domain/monitoring/merge-aggregate.ts";
import { deviationOf } from "../../domain/monitoring/moments.ts";
import type { Window } from "../../domain/monitoring/monitoring.ts";
import type {
  HistogramReport,
  ObservedInput,
  ObservedLabel,
  ReportFrame,
} from "../../domain/monitoring/report.ts";

/** Inputs and predictions of a version. Least and greatest values, which are values of inputs, are left out. */
export function toHistograms(
  frame: ReportFrame,
  windows: readonly Window[],
  { model, version }: { readonly model: string; readonly version: string },
): HistogramReport {
  const { requests, profile, inputs, outputs } = sumOf(windows.map(({ aggregate }) => aggregate));
  const isShown = requests >= SHOWN_FROM;
  return {
    ...frame,
    model,
    version,
    requests,
    shownFrom: SHOWN_FROM,
    ...(profile !== undefined && { profile }),
    inputs: Object.entries(inputs).map(([name, feature]) => toInput(name, feature, isShown)),
    predictions: outputs?.count ?? 0,
    labels: outputs && isShown ? toLabels(outputs) : [],
    ...(outputs?.value && { value: toInput("value", outputs.value, isShown) }),
  };
}

/** Of fewer requests or values, means, histograms and labels would tell what a single client sent and got. */
const SHOWN_FROM = 5;

function toInput(
  name: string,
  { kind, moments, histogram }: FeatureAggregate,
  isShown: boolean,
): ObservedInput {
  const { count, missing, mean } = moments;
  const counted = { name, kind, count, missing };
  if (!isShown || count < SHOWN_FROM) return counted;
  return {
    ...counted,
    ...(kind !== "category" && { mean, deviation: deviationOf(moments) }),
    ...(histogram && { counts: histogram }),
  };
}

function toLabels({ labels, confidence }: PredictionAggregate): ObservedLabel[] {
  return Object.entries(labels)
    .map(([label, count]) => ({
      label,
      count,
      ...(confidence[label] && { confidence: confidence[label] }),
    }))
    .sort((one, two) => two.count - one.count);
}

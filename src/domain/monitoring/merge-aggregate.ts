import { CONFIDENCE_BINS, confidenceBin } from "../statistics/confidence-bins.ts";
import {
  type Aggregate,
  createAggregate,
  type DurationName,
  type FeatureAggregate,
  type Gauge,
  type PredictionAggregate,
} from "./aggregate.ts";
import { addCount, mergeCounts, mergeTopCounts, OTHER } from "./counts.ts";
import { createDistribution, mergeDistribution } from "./distribution.ts";
import { mergeInference } from "./inference-totals.ts";
import { createMoments, mergeMoments } from "./moments.ts";

/** Labels that have counts of their own, by field; all others are `other`. They bound the memory and the rows of an aggregate. */
export const MAX_LABELS = {
  outcomes: 100,
  operations: 100,
  cache: 8,
  cacheTiers: 8,
  tokens: 8,
  engine: 8,
  invocations: 16,
  dataCenters: 100,
  countries: 100,
  aliases: 32,
  shadows: 16,
  explanations: 32,
  lost: 16,
} as const satisfies Partial<Record<keyof Aggregate, number>>;
export type LabelledField = keyof typeof MAX_LABELS;

/** The most frequent ones remain. */
export const MAX_PRINCIPALS = 100;
/** Labels of predictions, and inputs. */
export const MAX_PREDICTED = 200;
export const MAX_OBSERVED_INPUTS = 128;

const LABELLED = Object.keys(MAX_LABELS) as LabelledField[];
const SUMS = [
  "requests",
  "coldStarts",
  "inferences",
  "executions",
  "bytesIn",
  "bytesOut",
  "savedMs",
  "audioSeconds",
  "explanationRuns",
] as const satisfies readonly (keyof Aggregate)[];

/** Adds to the count of a label of an aggregate, within its bound. */
export function addLabel(
  aggregate: Aggregate,
  field: LabelledField,
  label: string,
  count = 1,
): void {
  addCount(aggregate[field], label, count, MAX_LABELS[field]);
}

/** Adds another aggregate, which stays as it is and shares nothing with the sum. */
export function mergeAggregate(into: Aggregate, other: Aggregate): void {
  // An isolate of an earlier version of the program lacks what is new.
  for (const name of SUMS) into[name] += other[name] ?? 0;
  for (const name of LABELLED) mergeCounts(into[name], other[name] ?? {}, MAX_LABELS[name]);
  mergeTopCounts(into.principals, other.principals, MAX_PRINCIPALS);
  mergeInference(into.inference, other.inference);
  for (const [name, durations] of Object.entries(other.durations)) {
    into.durations[name as DurationName] ??= createDistribution();
    mergeDistribution(into.durations[name as DurationName] as never, durations);
  }
  if (other.heapBytes) into.heapBytes = mergeGauge(into.heapBytes, other.heapBytes);
  setProfile(into, other.profile);
  for (const name of Object.keys(other.inputs)) {
    const feature = other.inputs[name] as FeatureAggregate;
    const sum = featureOf(into, name, feature.kind);
    if (sum) mergeFeature(sum, feature);
  }
  if (other.outputs) {
    into.outputs ??= { count: 0, labels: {}, confidence: {} };
    mergePredictions(into.outputs, other.outputs);
  }
}

function mergeGauge(into: Gauge | undefined, other: Gauge): Gauge {
  if (!into) return { ...other };
  const { last, at } = other.at >= into.at ? other : into;
  return { last, at, max: Math.max(into.max, other.max) };
}

/**
 * Says of which reference profile the histograms are.
 * @param profile its digest
 */
export function setProfile(aggregate: Aggregate, profile: string | undefined): void {
  if (profile === undefined || profile === aggregate.profile) return;
  // Bins of different references do not match: the ones of the later profile remain.
  if (aggregate.profile !== undefined) dropHistograms(aggregate);
  aggregate.profile = profile;
}

function dropHistograms({ inputs, outputs }: Aggregate): void {
  for (const feature of Object.values(inputs)) delete feature.histogram;
  delete outputs?.value?.histogram;
}

/** The aggregate of an input; `undefined` when there are as many as there may be. */
export function featureOf(
  { inputs }: Aggregate,
  name: string,
  kind: FeatureAggregate["kind"],
): FeatureAggregate | undefined {
  const known = inputs[name];
  // What every object inherits has none.
  if (known?.moments) return known;
  if (Object.keys(inputs).length >= MAX_OBSERVED_INPUTS || name === "__proto__") return undefined;
  const feature: FeatureAggregate = { kind, moments: createMoments() };
  inputs[name] = feature;
  return feature;
}

function mergeFeature(into: FeatureAggregate, other: FeatureAggregate): void {
  mergeMoments(into.moments, other.moments);
  if (other.histogram) addHistogram(into, other.histogram);
}

export function addHistogram(into: FeatureAggregate, histogram: readonly number[]): void {
  if (into.histogram?.length !== histogram.length) into.histogram = [...histogram];
  else addBins(into.histogram, histogram);
}

function mergePredictions(into: PredictionAggregate, other: PredictionAggregate): void {
  into.count += other.count;
  mergeCounts(into.labels, other.labels, MAX_PREDICTED);
  for (const label of Object.keys(other.confidence))
    addConfidence(into, label, other.confidence[label] as number[]);
  if (!other.value) return;
  into.value ??= { kind: other.value.kind, moments: createMoments() };
  mergeFeature(into.value, other.value);
}

export function addConfidence(
  { labels, confidence }: PredictionAggregate,
  label: string,
  bins: readonly number[],
): void {
  // A label without a count of its own has no confidences of its own.
  if (typeof labels[label] !== "number" && label !== OTHER) return;
  const known = confidence[label];
  if (Array.isArray(known)) addBins(known, bins);
  else confidence[label] = [...bins];
}

/** Adds one probability of a label. */
export function addProbability(
  { labels, confidence }: PredictionAggregate,
  label: string,
  probability: number,
): void {
  if (typeof labels[label] !== "number") return;
  const known = confidence[label];
  const bins = Array.isArray(known) ? known : new Array<number>(CONFIDENCE_BINS).fill(0);
  const bin = confidenceBin(probability);
  bins[bin] = (bins[bin] ?? 0) + 1;
  confidence[label] = bins;
}

function addBins(into: number[], other: readonly number[]): void {
  for (let index = 0; index < other.length; index++)
    into[index] = (into[index] ?? 0) + (other[index] as number);
}

/** A sum of aggregates, which shares nothing with them. */
export function sumOf(aggregates: Iterable<Aggregate>): Aggregate {
  const sum = createAggregate();
  for (const aggregate of aggregates) mergeAggregate(sum, aggregate);
  return sum;
}

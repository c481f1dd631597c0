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
  lost: 16,
} as const satisfies Partial<Record<keyof Aggregate, number>>;
export type LabelledField = keyof typeof MAX_LABELS;

/** The most frequent ones remain. */
export const MAX_PRINCIPALS = 100;
/** Labels of predictions, and inputs. */
export const MAX_PREDICTED = 200;
export const MAX_INPUTS = 128;

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
  for (const name of SUMS) into[name] += other[name];
  for (const name of LABELLED) mergeCounts(into[name], other[name], MAX_LABELS[name]);
  mergeTopCounts(into.principals, other.principals, MAX_PRINCIPALS);
  mergeInference(into.inference, other.inference);
  for (const [name, durations] of Object.entries(other.durations)) {
    into.durations[name as DurationName] ??= createDistribution();
    mergeDistribution(into.durations[name as DurationName] as never, durations);
  }
  if (other.heapBytes) into.heapBytes = mergeGauge(into.heapBytes, other.heapBytes);
  mergeInputs(into, other.inputs, other.profile);
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

/** @param profile digest of the reference profile of the histograms */
export function mergeInputs(
  into: Aggregate,
  inputs: Readonly<Record<string, FeatureAggregate>>,
  profile: string | undefined,
): void {
  if (profile !== undefined && profile !== into.profile) {
    // Bins of different references do not match: the ones of the later aggregate remain.
    if (into.profile !== undefined) dropHistograms(into);
    into.profile = profile;
  }
  for (const [name, feature] of Object.entries(inputs)) mergeInput(into, name, feature);
}

function dropHistograms({ inputs, outputs }: Aggregate): void {
  for (const feature of Object.values(inputs)) delete feature.histogram;
  delete outputs?.value?.histogram;
}

function mergeInput({ inputs }: Aggregate, name: string, feature: FeatureAggregate): void {
  if (!Object.hasOwn(inputs, name)) {
    if (Object.keys(inputs).length >= MAX_INPUTS || name === "__proto__") return;
    inputs[name] = { kind: feature.kind, moments: createMoments() };
  }
  mergeFeature(inputs[name] as FeatureAggregate, feature);
}

function mergeFeature(into: FeatureAggregate, other: FeatureAggregate): void {
  mergeMoments(into.moments, other.moments);
  if (!other.histogram) return;
  if (into.histogram?.length !== other.histogram.length) into.histogram = [...other.histogram];
  else addBins(into.histogram, other.histogram);
}

export function mergePredictions(into: PredictionAggregate, other: PredictionAggregate): void {
  into.count += other.count;
  mergeCounts(into.labels, other.labels, MAX_PREDICTED);
  for (const [label, bins] of Object.entries(other.confidence)) {
    // A label without a count of its own has no confidences of its own.
    if (!Object.hasOwn(into.labels, label) && label !== OTHER) continue;
    if (Object.hasOwn(into.confidence, label)) addBins(into.confidence[label] as number[], bins);
    else into.confidence[label] = [...bins];
  }
  if (!other.value) return;
  into.value ??= { kind: other.value.kind, moments: createMoments() };
  mergeFeature(into.value, other.value);
}

function addBins(into: number[], other: readonly number[]): void {
  for (const [index, count] of other.entries()) into[index] = (into[index] ?? 0) + count;
}

/** A sum of aggregates, which shares nothing with them. */
export function sumOf(aggregates: Iterable<Aggregate>): Aggregate {
  const sum = createAggregate();
  for (const aggregate of aggregates) mergeAggregate(sum, aggregate);
  return sum;
}

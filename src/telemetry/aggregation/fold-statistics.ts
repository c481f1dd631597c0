import type { InputStatistics, OutputStatistics, RequestEvent } from "../../domain/event.ts";
import type { Aggregate, FeatureAggregate } from "../../domain/monitoring/aggregate.ts";
import { addCount, OTHER } from "../../domain/monitoring/counts.ts";
import {
  addConfidence,
  addHistogram,
  addProbability,
  featureOf,
  MAX_PREDICTED,
  setProfile,
} from "../../domain/monitoring/merge-aggregate.ts";
import { addMoments, createMoments } from "../../domain/monitoring/moments.ts";

/** Numbers, as events have them. */
interface Numbers {
  readonly mean?: number | undefined;
  readonly deviation?: number | undefined;
  readonly histogram?: readonly number[] | undefined;
}

/** Adds what a request's event tells of its inputs and its predictions. It is done for each request, and creates nothing that it need not. */
export function foldStatistics(
  aggregate: Aggregate,
  { inputs, outputs, profile }: Pick<RequestEvent, "inputs" | "outputs" | "profile">,
): void {
  setProfile(aggregate, profile);
  if (inputs) for (const input of inputs) foldInput(aggregate, input);
  if (outputs) foldOutputs(aggregate, outputs);
}

/** By the names that a reference profile has. */
function foldInput(aggregate: Aggregate, input: InputStatistics): void {
  const { name } = input;
  switch (input.kind) {
    case "numeric":
      fold(aggregate, name, input, input);
      break;
    case "category":
      fold(aggregate, name, input, undefined, input.counts);
      break;
    case "text":
      fold(aggregate, name, input, input.characters, input.histogram);
      break;
    case "image":
      fold(aggregate, `${name}.width`, input, input.width);
      fold(aggregate, `${name}.height`, input, input.height);
      fold(aggregate, `${name}.bytes`, input, input.bytes);
      break;
    case "audio":
      fold(aggregate, `${name}.seconds`, input, input.seconds);
      fold(aggregate, `${name}.bytes`, input, input.bytes);
      break;
  }
}

function fold(
  aggregate: Aggregate,
  name: string,
  { kind, count, missing }: InputStatistics,
  numbers: Numbers | undefined,
  histogram = numbers?.histogram,
): void {
  if (numbers === undefined && histogram === undefined) return;
  const feature = featureOf(aggregate, name, kind);
  if (feature) addNumbers(feature, count, missing, numbers, histogram);
}

function addNumbers(
  feature: FeatureAggregate,
  count: number,
  missing: number,
  numbers: Numbers | undefined,
  histogram: readonly number[] | undefined,
): void {
  const { moments } = feature;
  moments.missing += missing;
  const mean = numbers?.mean;
  // Of categories there is only how many there are.
  if (mean === undefined) moments.count += count;
  else {
    const { deviation = 0 } = numbers as Numbers;
    addMoments(moments, count, mean, deviation * deviation * count);
  }
  if (histogram) addHistogram(feature, histogram);
}

function foldOutputs(aggregate: Aggregate, outputs: OutputStatistics): void {
  aggregate.outputs ??= { count: 0, labels: {}, confidence: {} };
  const sum = aggregate.outputs;
  const { count, labels, rows, confidence, confidenceByLabel, value } = outputs;
  sum.count += count;
  for (const label in labels) addCount(sum.labels, label, labels[label] as number, MAX_PREDICTED);
  if (confidenceByLabel)
    for (const label in confidenceByLabel)
      addConfidence(sum, label, confidenceByLabel[label] as number[]);
  else if (confidence) addConfidence(sum, OTHER, confidence);
  // Where they are all of the predictions.
  else if (rows)
    for (const row of rows)
      if (row.label !== undefined && row.confidence !== undefined)
        addProbability(sum, row.label, row.confidence);
  if (!value) return;
  sum.value ??= { kind: "numeric", moments: createMoments() };
  addNumbers(sum.value, value.count, value.missing, value, value.histogram);
}

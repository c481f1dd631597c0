import type { InputStatistics, OutputStatistics, RequestEvent } from "../../domain/event.ts";
import type { Aggregate, FeatureAggregate } from "../../domain/monitoring/aggregate.ts";
import { OTHER } from "../../domain/monitoring/counts.ts";
import { mergeInputs, mergePredictions } from "../../domain/monitoring/merge-aggregate.ts";
import type { Moments } from "../../domain/monitoring/moments.ts";

/** Numbers, as events have them; of a single one the mean is also the least and the greatest. */
interface Numbers {
  readonly mean?: number | undefined;
  readonly deviation?: number | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** Adds what a request's event tells of its inputs and its predictions. */
export function foldStatistics(
  aggregate: Aggregate,
  { inputs = [], outputs, profile }: Pick<RequestEvent, "inputs" | "outputs" | "profile">,
): void {
  const features: Record<string, FeatureAggregate> = {};
  for (const input of inputs) addFeatures(features, input);
  mergeInputs(aggregate, features, profile);
  if (!outputs) return;
  aggregate.outputs ??= { count: 0, labels: {}, confidence: {} };
  mergePredictions(aggregate.outputs, {
    count: outputs.count,
    labels: outputs.labels ?? {},
    confidence: confidenceOf(outputs),
    ...(outputs.value && { value: toFeature("numeric", outputs.value, outputs.value.histogram) }),
  });
}

/** By the names that a reference profile has. */
function addFeatures(features: Record<string, FeatureAggregate>, input: InputStatistics): void {
  const { name, kind, count, missing } = input;
  const add = (suffix: string, numbers: Numbers | undefined): void => {
    if (numbers) features[`${name}.${suffix}`] = toFeature(kind, { ...numbers, count, missing });
  };
  switch (kind) {
    case "numeric":
      features[name] = toFeature(kind, input, input.histogram);
      break;
    case "category":
      features[name] = toFeature(kind, { count, missing }, input.counts);
      break;
    case "text":
      features[name] = toFeature(kind, { ...input.characters, count, missing }, input.histogram);
      break;
    case "image":
      add("width", input.width);
      add("height", input.height);
      add("bytes", input.bytes);
      break;
    case "audio":
      add("seconds", input.seconds);
      add("bytes", input.bytes);
      break;
  }
}

function toFeature(
  kind: FeatureAggregate["kind"],
  numbers: Numbers & { readonly count: number; readonly missing: number },
  histogram?: readonly number[],
): FeatureAggregate {
  return { kind, moments: toMoments(numbers), ...(histogram && { histogram: [...histogram] }) };
}

function toMoments({
  count,
  missing,
  mean,
  deviation = 0,
  min = mean,
  max = mean,
}: Numbers & { readonly count: number; readonly missing: number }): Moments {
  if (mean === undefined || min === undefined || max === undefined)
    return { count, missing, mean: 0, m2: 0, min: 0, max: 0 };
  return { count, missing, mean, m2: deviation * deviation * count, min, max };
}

function confidenceOf({ confidence, confidenceByLabel }: OutputStatistics) {
  if (confidenceByLabel)
    return Object.fromEntries(
      Object.entries(confidenceByLabel).map(([label, bins]) => [label, [...bins]]),
    );
  return confidence ? { [OTHER]: [...confidence] } : {};
}

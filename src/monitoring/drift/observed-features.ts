import type { Aggregate, PredictionAggregate } from "../../domain/monitoring/aggregate.ts";
import type {
  ReferenceFeature,
  ReferenceProfile,
} from "../../domain/monitoring/reference-profile.ts";
import type { ObservedFeature } from "./compare-feature.ts";

/** A feature of a profile, with what requests had of it. */
export interface FeaturePair {
  readonly reference: ReferenceFeature;
  readonly side: "input" | "output";
  readonly observed: ObservedFeature;
}

/** The features of a profile that an aggregate has counts of, by the bins of that profile. */
export function observedFeatures(
  profile: ReferenceProfile,
  { inputs, outputs }: Pick<Aggregate, "inputs" | "outputs">,
): FeaturePair[] {
  const pairs: FeaturePair[] = [];
  const add = (
    side: FeaturePair["side"],
    reference: ReferenceFeature,
    observed: ObservedFeature | undefined,
  ): void => {
    if (observed?.counts.length === reference.counts.length)
      pairs.push({ side, reference, observed });
  };
  for (const reference of profile.inputs) add("input", reference, ofInput(inputs, reference));
  for (const reference of profile.outputs) add("output", reference, ofOutput(outputs, reference));
  return pairs;
}

function ofInput(
  inputs: Aggregate["inputs"],
  { name }: ReferenceFeature,
): ObservedFeature | undefined {
  const found = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  if (!found?.histogram) return undefined;
  return { counts: found.histogram, missing: found.moments.missing };
}

function ofOutput(
  outputs: PredictionAggregate | undefined,
  reference: ReferenceFeature,
): ObservedFeature | undefined {
  if (!outputs) return undefined;
  if (reference.name === "label" && reference.kind === "category")
    return { counts: countLabels(outputs.labels, reference.categories), missing: 0 };
  if (reference.name === "confidence")
    return { counts: addUp(Object.values(outputs.confidence)), missing: 0 };
  if (reference.name !== "value" || !outputs.value?.histogram) return undefined;
  return { counts: outputs.value.histogram, missing: outputs.value.moments.missing };
}

/** The last one is of labels that the reference does not have. */
function countLabels(
  labels: PredictionAggregate["labels"],
  categories: readonly string[],
): number[] {
  const counts = categories.map((name) => (Object.hasOwn(labels, name) ? (labels[name] ?? 0) : 0));
  const all = Object.values(labels).reduce((sum, count) => sum + count, 0);
  const known = counts.reduce((sum, count) => sum + count, 0);
  return [...counts, all - known];
}

function addUp(histograms: readonly (readonly number[])[]): number[] {
  const [first = [], ...others] = histograms;
  return first.map((count, bin) => others.reduce((sum, other) => sum + (other[bin] ?? 0), count));
}

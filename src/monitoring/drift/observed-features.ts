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

/** A feature of a profile, whose counts are no more than the rows. */
export interface ProfiledFeature {
  readonly side: "input" | "output";
  readonly reference: ReferenceFeature;
}

export function featuresOf({ inputs, outputs, rows }: ReferenceProfile): ProfiledFeature[] {
  return [
    ...inputs.map((reference) => ({ side: "input", reference: perRow(reference, rows) }) as const),
    ...outputs.map(
      (reference) => ({ side: "output", reference: perRow(reference, rows) }) as const,
    ),
  ];
}

/** The features that an aggregate has counts of, by the bins of their profile. */
export function observedFeatures(
  features: readonly ProfiledFeature[],
  { inputs, outputs, inferences }: Pick<Aggregate, "inputs" | "outputs" | "inferences">,
): FeaturePair[] {
  return features.flatMap(({ side, reference }) => {
    const found = side === "input" ? ofInput(inputs, reference) : ofOutput(outputs, reference);
    if (!found || (found.counts.length !== reference.counts.length && !found.moments)) return [];
    return [{ side, reference, observed: perRow(found, inferences) }];
  });
}

/** Of several values of one row, which depend on each other, so many count as there are rows. */
function perRow<T extends { readonly counts: readonly number[]; readonly missing: number }>(
  feature: T,
  rows: number,
): T {
  const values = feature.counts.reduce((sum, count) => sum + count, feature.missing);
  if (rows === 0 || values <= rows) return feature;
  const scale = rows / values;
  return {
    ...feature,
    counts: feature.counts.map((count) => count * scale),
    missing: feature.missing * scale,
  };
}

function ofInput(
  inputs: Aggregate["inputs"],
  { name }: ReferenceFeature,
): ObservedFeature | undefined {
  const found = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  if (!found) return undefined;
  const { kind, histogram, moments } = found;
  if (histogram) return { counts: histogram, missing: moments.missing };
  const hasNoBins = kind === "image" || kind === "audio";
  return hasNoBins ? { counts: [], missing: moments.missing, moments } : undefined;
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

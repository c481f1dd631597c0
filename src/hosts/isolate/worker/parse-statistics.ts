import { gatheredSchema } from "../../../domain/event/gathered.ts";
import type { PublishedModel } from "../../../domain/published-model.ts";
import { featureNames } from "../../../domain/statistics/feature-plan.ts";
import { OTHER_LABEL } from "../../../domain/statistics/output-rows.ts";
import type { GatheredStatistics } from "../../../domain/statistics/request-statistics.ts";

/** Statistics that an isolate has sent; `undefined` for what is none, without which a reply is as good. */
export function parseStatistics(value: unknown): GatheredStatistics | undefined {
  if (value === undefined) return undefined;
  return gatheredSchema.safeParse(value).data;
}

/** Without what the version does not have: features, labels and profiles are names of counts that are kept. */
export function withKnownNames(
  { inputs, outputs, inferences, profile }: GatheredStatistics,
  model: PublishedModel,
): GatheredStatistics {
  const features = featureNames(model);
  const { labels } = model.manifest;
  const isLabel = (label: string): boolean =>
    label === OTHER_LABEL || (labels ? labels.includes(label) : /^[0-9]{1,4}$/.test(label));
  const known = [outputs?.labels ?? {}, outputs?.confidenceByLabel ?? {}].flatMap(Object.keys);
  const named = (outputs?.rows ?? []).flatMap(({ label }) => label ?? []);
  return {
    inputs: inputs?.filter(({ name }) => features.has(name)),
    outputs: [...known, ...named].every(isLabel) ? outputs : undefined,
    inferences,
    profile: profile === model.profile?.digest ? profile : undefined,
  };
}

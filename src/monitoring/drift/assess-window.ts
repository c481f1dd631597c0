import type { DriftRules } from "../../domain/monitoring/drift-fields.ts";
import type { FeatureDrift } from "../../domain/monitoring/drift-report.ts";
import { adjustPValues } from "./benjamini-hochberg.ts";
import { compareFeature } from "./compare-feature.ts";
import type { FeaturePair } from "./observed-features.ts";

/** Each feature of a window: whether it differs from the reference, significantly and enough to count. */
export function assessWindow(
  pairs: readonly FeaturePair[],
  { level, minEffect }: Pick<DriftRules, "level" | "minEffect">,
): FeatureDrift[] {
  const compared = pairs.map(({ reference, side, observed }) => ({
    side,
    ...compareFeature(reference, observed, level),
  }));
  const adjusted = adjustPValues(compared.map(({ pValue }) => pValue));
  return compared.map((feature, index) => {
    const adjustedPValue = adjusted[index] as number;
    const drifted = adjustedPValue <= level && feature.effect >= minEffect;
    return { ...feature, adjustedPValue, drifted };
  });
}

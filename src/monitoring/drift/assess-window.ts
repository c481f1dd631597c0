import type { FeatureDrift } from "../../domain/monitoring/drift-report.ts";
import { adjustPValues } from "./benjamini-hochberg.ts";
import { compareFeature } from "./compare-feature.ts";
import type { FeaturePair } from "./observed-features.ts";

export interface DriftRules {
  /** Probability of a false alarm in a window, over all features. */
  readonly level: number;
  /** Smaller differences do not count, however certain they are. */
  readonly minEffect: number;
}

/** Each feature of a window: whether it differs from the reference, significantly and enough to count. */
export function assessWindow(
  pairs: readonly FeaturePair[],
  { level, minEffect }: DriftRules,
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

import type { FeatureDrift, FeatureTest } from "../../domain/monitoring/drift-report.ts";
import type { ReferenceFeature } from "../../domain/monitoring/reference-profile.ts";
import { kolmogorovSmirnov } from "./kolmogorov-smirnov.ts";
import { addMissing, mergeBins } from "./merge-bins.ts";
import { populationStability } from "./population-stability.ts";
import { rankSum } from "./rank-sum.ts";
import { sum } from "./two-samples.ts";

/** What requests have of a feature. */
export interface ObservedFeature {
  /** By the bins or categories of the reference. */
  readonly counts: readonly number[];
  readonly missing: number;
}

export type ComparedFeature = Omit<FeatureDrift, "drifted" | "adjustedPValue" | "side">;

/** Compares what was observed with the reference, by each test that the kind of the feature has. */
export function compareFeature(
  reference: ReferenceFeature,
  { counts, missing }: ObservedFeature,
  level: number,
): ComparedFeature {
  const samples = { reference: reference.counts, window: counts };
  const isOrdered = reference.kind === "numeric";
  const stability = populationStability(
    addMissing(mergeBins(samples, isOrdered), reference.missing, missing),
    level,
  );
  const tests: FeatureTest[] = [toTest("psi", stability)];
  let { effect } = stability;
  let shift: number | undefined;
  if (isOrdered) {
    const ranks = rankSum(samples, level);
    tests.push(toTest("ks", kolmogorovSmirnov(samples, level)), toTest("rank_sum", ranks));
    ({ shift } = ranks);
    effect = Math.max(effect, Math.abs(shift));
  }
  const smallest = Math.min(...tests.map(({ pValue }) => pValue));
  return {
    feature: reference.name,
    kind: reference.kind,
    // Bonferroni: the tests of a feature depend on each other in whatever way.
    pValue: Math.min(1, smallest * tests.length),
    effect,
    ...(shift !== undefined && { shift }),
    tests,
    rows: sum(counts) + missing,
    missing,
    counts,
  };
}

function toTest(
  test: FeatureTest["test"],
  { value, threshold, pValue }: Omit<FeatureTest, "test">,
): FeatureTest {
  return { test, value, threshold, pValue };
}

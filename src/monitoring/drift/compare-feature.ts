import type { FeatureDrift, FeatureTest } from "../../domain/monitoring/drift-report.ts";
import type { Moments } from "../../domain/monitoring/moments.ts";
import type {
  NumericReference,
  ReferenceFeature,
} from "../../domain/monitoring/reference-profile.ts";
import { kolmogorovSmirnov } from "./kolmogorov-smirnov.ts";
import { meanDifference } from "./mean-difference.ts";
import { addMissing, mergeBins } from "./merge-bins.ts";
import { populationStability } from "./population-stability.ts";
import { rankSum } from "./rank-sum.ts";
import { sum } from "./two-samples.ts";

/** What requests have of a feature. */
export interface ObservedFeature {
  /** By the bins or categories of the reference; empty where only moments are known. */
  readonly counts: readonly number[];
  readonly missing: number;
  /** Of the values that are there. */
  readonly moments?: Moments;
}

export type ComparedFeature = Omit<FeatureDrift, "drifted" | "adjustedPValue" | "side">;

/** Compares what was observed with the reference, by each test that the kind of the feature has. */
export function compareFeature(
  reference: ReferenceFeature,
  observed: ObservedFeature,
  level: number,
): ComparedFeature {
  const { counts, missing, moments } = observed;
  if (counts.length === 0 && moments && reference.kind === "numeric")
    return compareMoments(reference, moments, level);
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

function compareMoments(
  reference: NumericReference,
  { count, missing, mean, m2 }: Moments,
  level: number,
): ComparedFeature {
  const window = { count, mean, deviation: Math.sqrt(m2 / Math.max(1, count)) };
  const difference = meanDifference(reference, window, level);
  const { pValue, shift } = difference;
  return {
    feature: reference.name,
    kind: "numeric",
    pValue,
    effect: Math.abs(shift),
    shift,
    tests: [toTest("mean", difference)],
    rows: count + missing,
    missing,
    counts: [],
  };
}

function toTest(
  test: FeatureTest["test"],
  { value, threshold, pValue }: Omit<FeatureTest, "test">,
): FeatureTest {
  return { test, value, threshold, pValue };
}

import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import type { DriftRules } from "../../domain/monitoring/drift-fields.ts";
import { mergeMoments } from "../../domain/monitoring/moments.ts";
import type { KnownProfile } from "../../domain/monitoring/reference-profile.ts";
import type { ObservedFeature } from "./compare-feature.ts";
import { type FeaturePair, featuresOf, observedFeatures } from "./observed-features.ts";
import { sum } from "./two-samples.ts";

/** The requests of a version in some time. */
export interface Bucket {
  /** In milliseconds since the epoch. */
  readonly start: number;
  readonly seconds: number;
  readonly aggregate: Pick<Aggregate, "profile" | "inputs" | "outputs" | "inferences">;
}

export interface ObservedWindow {
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  /** Whether it has as many rows, and as much time, as a window has at least. */
  readonly complete: boolean;
  readonly pairs: readonly FeaturePair[];
}

/**
 * Puts buckets together, from the first one on, to windows that have as many rows, and as much time, as they need: none is part of two. Buckets whose requests
 * were counted by the bins of another profile are left out.
 * @param buckets in the order of their times
 */
export function toWindows(
  { profile, digest }: KnownProfile,
  buckets: readonly Bucket[],
  { minRows, minSeconds }: Pick<DriftRules, "minRows" | "minSeconds">,
): ObservedWindow[] {
  const features = featuresOf(profile);
  const windows: ObservedWindow[] = [];
  let open: ObservedWindow | undefined;
  for (const { start, seconds, aggregate } of buckets) {
    if (aggregate.profile !== digest) continue;
    const pairs = observedFeatures(features, aggregate);
    const rows = Math.max(0, ...pairs.map(({ observed }) => rowsOf(observed)));
    if (rows === 0) continue;
    const before: ObservedWindow = open ?? {
      start,
      end: start,
      rows: 0,
      complete: false,
      pairs: [],
    };
    const end = start + seconds * 1000;
    const all = before.rows + rows;
    const complete = all >= minRows && end - before.start >= minSeconds * 1000;
    open = { start: before.start, end, rows: all, complete, pairs: addPairs(before.pairs, pairs) };
    if (complete) {
      windows.push(open);
      open = undefined;
    }
  }
  return open ? [...windows, open] : windows;
}

function rowsOf({ counts, missing, moments }: ObservedFeature): number {
  return sum(counts) + missing + (moments?.count ?? 0);
}

function addPairs(before: readonly FeaturePair[], pairs: readonly FeaturePair[]): FeaturePair[] {
  const sums = new Map(before.map((pair) => [pair.reference, pair]));
  for (const pair of pairs) {
    const known = sums.get(pair.reference);
    sums.set(pair.reference, known ? { ...pair, observed: add(known, pair) } : pair);
  }
  return [...sums.values()];
}

function add({ observed: a }: FeaturePair, { observed: b }: FeaturePair): ObservedFeature {
  const moments = a.moments && { ...a.moments };
  if (moments && b.moments) mergeMoments(moments, b.moments);
  return {
    counts: a.counts.map((count, bin) => count + (b.counts[bin] as number)),
    missing: a.missing + b.missing,
    ...(moments && { moments }),
  };
}

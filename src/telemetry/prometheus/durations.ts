import type { DurationName } from "../../domain/monitoring/aggregate.ts";
import { countsBelow } from "../../domain/monitoring/distribution.ts";
import type { HistogramFamily } from "./family.ts";
import { ofVersions, VERSION_LABELS } from "./samples.ts";

/** Prometheus' own, and some below for models that run in less than a millisecond, in seconds. */
const SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;

export function toSeconds(milliseconds: number): number {
  // Without the digits that a division by 1000 adds: 0.007 and not 0.0070000000000000001.
  return Math.round(milliseconds * 1e6) / 1e9;
}

interface DurationFamily {
  readonly name: string;
  readonly help: string;
  readonly of: DurationName;
  /** In milliseconds, for a family that has them instead of seconds. */
  readonly bounds?: readonly number[];
}

/** A histogram of the durations of an aggregate: the counts are those of its sketch, whose error of 1 % they have. */
export function durationHistogram({ name, help, of, bounds }: DurationFamily): HistogramFamily {
  const boundsMs = bounds ?? SECONDS.map((seconds) => seconds * 1000);
  const toUnit = bounds ? (milliseconds: number) => milliseconds : toSeconds;
  return {
    name,
    help,
    type: "histogram",
    labels: VERSION_LABELS,
    bounds: bounds ?? SECONDS,
    samples: ofVersions(({ durations }) => {
      const distribution = durations[of];
      if (!distribution) return [];
      const { count, sum } = distribution;
      const cumulative = countsBelow(distribution, boundsMs);
      return [[[], { count, sum: toUnit(sum), cumulative }]];
    }),
  };
}

import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import type { Counts } from "../../domain/monitoring/counts.ts";
import type { VersionTotals } from "../../domain/monitoring/monitoring.ts";
import type { LabelValues } from "./family.ts";
import type { MetricsReading } from "./reading.ts";

/** The first labels of every family about versions; both are empty for requests without a model. */
export const VERSION_LABELS = ["model", "version"] as const;

type Samples<Value> = Iterable<readonly [LabelValues, Value]>;

/**
 * The samples of each version.
 * @param read returns those of one, without the labels of the version
 */
export function ofVersions<Value>(
  read: (aggregate: Aggregate) => Samples<Value>,
  isMeant: (totals: VersionTotals) => boolean = () => true,
): (reading: MetricsReading) => Samples<Value> {
  return function* ({ versions }) {
    for (const totals of versions) {
      if (!isMeant(totals)) continue;
      const { model, version, aggregate } = totals;
      for (const [values, value] of read(aggregate)) yield [[model, version, ...values], value];
    }
  };
}

export const ofModels = <Value>(read: (aggregate: Aggregate) => Samples<Value>) =>
  ofVersions(read, isModel);

const isModel = ({ model }: VersionTotals): boolean => model !== "";

/** A sample without further labels; none when there is no value. */
export function one<Value>(value: Value | undefined): Samples<Value> {
  return value === undefined ? [] : [[[], value]];
}

/** A sample for each label, in the order of the labels. */
export function each(counts: Counts): Samples<number> {
  return Object.keys(counts)
    .sort()
    .map((label) => [[label], counts[label] ?? 0]);
}

/** A sample for each of the labels that are known beforehand, also for those that have not been counted. */
export function eachOf(labels: readonly string[], counts: Counts): Samples<number> {
  return labels.map((label) => [[label], counts[label] ?? 0]);
}

import { MODEL_NAME, MODEL_VERSION } from "../../domain/model-id.ts";
import { createAggregate } from "../../domain/monitoring/aggregate.ts";
import { OTHER } from "../../domain/monitoring/counts.ts";
import { mergeAggregate } from "../../domain/monitoring/merge-aggregate.ts";
import type { VersionTotals } from "../../domain/monitoring/monitoring.ts";

/** Versions with samples of their own: each has about a hundred, and a server of Prometheus takes some hundred thousand in a scrape. */
export const MAX_VERSIONS = 500;

/**
 * The totals in the order of models and versions, so that samples are in the same order each time. All beyond the first
 * {@link MAX_VERSIONS}, and those whose names no version has, are one of the model and version `other`.
 */
export function boundVersions(totals: readonly VersionTotals[]): VersionTotals[] {
  const sorted = totals.toSorted(compare);
  const service = sorted.filter(({ model }) => model === "");
  const named = sorted.filter(isNamed);
  const others = [
    ...sorted.filter((each) => each.model !== "" && !isNamed(each)),
    ...named.slice(MAX_VERSIONS),
  ];
  const shown = [...service, ...named.slice(0, MAX_VERSIONS)];
  if (others.length === 0) return shown;
  const aggregate = createAggregate();
  for (const each of others) mergeAggregate(aggregate, each.aggregate);
  return [...shown, { model: OTHER, version: OTHER, aggregate }];
}

function isNamed({ model, version }: VersionTotals): boolean {
  return MODEL_NAME.test(model) && (version === "" || MODEL_VERSION.test(version));
}

function compare(one: VersionTotals, other: VersionTotals): number {
  if (one.model !== other.model) return one.model < other.model ? -1 : 1;
  return Number(one.version) - Number(other.version);
}

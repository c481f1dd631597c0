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
  const named = sorted.filter(
    ({ model, version }) =>
      MODEL_NAME.test(model) && (version === "" || MODEL_VERSION.test(version)),
  );
  const shown = named.slice(0, MAX_VERSIONS);
  const kept = new Set([...service, ...shown]);
  const others = sorted.filter((each) => !kept.has(each));
  if (others.length === 0) return [...service, ...shown];
  const aggregate = createAggregate();
  for (const each of others) mergeAggregate(aggregate, each.aggregate);
  return [...service, ...shown, { model: OTHER, version: OTHER, aggregate }];
}

function compare(one: VersionTotals, other: VersionTotals): number {
  if (one.model !== other.model) return one.model < other.model ? -1 : 1;
  return Number(one.version) - Number(other.version);
}

import type { AlertRule } from "../../domain/alerts/alert-rule.ts";
import type { AlertSubject, Group } from "../../domain/alerts/readings.ts";
import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import type { VersionTotals } from "../../domain/monitoring/monitoring.ts";
import { looksAt } from "./evaluate-rules.ts";

/** Makes one aggregate of several, without changing them. */
export type MergeAggregates = (aggregates: readonly Aggregate[]) => Aggregate;

/**
 * The requests that a rule looks at, as it takes them together. Requests without a model count for the service alone.
 * @param totals one for each version
 */
export function groupAggregates(
  rule: AlertRule,
  totals: readonly VersionTotals[],
  merge: MergeAggregates,
): readonly Group[] {
  const groups = new Map<string, { subject: AlertSubject; aggregates: Aggregate[] }>();
  for (const { model, version, aggregate } of totals) {
    if (model === "" && rule.by !== "service") continue;
    if (!looksAt(rule, model, version)) continue;
    const subject = subjectOf(rule, model, version);
    const key = JSON.stringify([subject.model, subject.version]);
    const group = groups.get(key);
    if (group) group.aggregates.push(aggregate);
    else groups.set(key, { subject, aggregates: [aggregate] });
  }
  return [...groups.values()].map(({ subject, aggregates: [first, ...others] }) => ({
    subject,
    aggregate: first && others.length === 0 ? first : merge(first ? [first, ...others] : []),
  }));
}

function subjectOf({ by }: AlertRule, model: string, version: string): AlertSubject {
  if (by === "service") return {};
  return by === "model" ? { model } : { model, version };
}

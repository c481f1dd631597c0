import type { AlertRule } from "../../domain/alerts/alert-rule.ts";
import type { AlertSubject, Group } from "../../domain/alerts/readings.ts";
import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import { sumOf } from "../../domain/monitoring/merge-aggregate.ts";
import type { Window } from "../../domain/monitoring/monitoring.ts";
import { looksAt } from "./evaluate-rules.ts";

/**
 * The requests that a rule looks at, as it takes them together. Requests without a model count for the service alone.
 * @param to the end of the range, in milliseconds since the epoch
 */
export function groupAggregates(
  rule: AlertRule,
  windows: readonly Window[],
  to: number,
): readonly Group[] {
  const groups = new Map<string, { subject: AlertSubject; from: number; all: Aggregate[] }>();
  for (const { model, version, start, aggregate } of windows) {
    if (model === "" && rule.by !== "service") continue;
    if (!looksAt(rule, model, version)) continue;
    const subject = subjectOf(rule, model, version);
    const key = JSON.stringify([subject.model, subject.version]);
    const group = groups.get(key);
    if (!group) groups.set(key, { subject, from: start, all: [aggregate] });
    else {
      group.all.push(aggregate);
      group.from = Math.min(group.from, start);
    }
  }
  return [...groups.values()].map(({ subject, from, all }) => ({
    subject,
    aggregate: sumOf(all),
    seconds: (to - from) / 1000,
  }));
}

function subjectOf({ by }: AlertRule, model: string, version: string): AlertSubject {
  if (by === "service") return {};
  return by === "model" ? { model } : { model, version };
}

import type { Alert, Transition } from "../../src/domain/alerts/alert.ts";
import type { AlertRule } from "../../src/domain/alerts/alert-rule.ts";
import { toRule } from "../../src/domain/alerts/kinds/registry.ts";
import type { Readings, VersionReports } from "../../src/domain/alerts/readings.ts";
import type { Aggregate, Counts } from "../../src/domain/monitoring/aggregate.ts";
import type { VersionTotals } from "../../src/domain/monitoring/monitoring.ts";
import { evaluateRules } from "../../src/monitoring/alerts/evaluate-rules.ts";
import { groupAggregates } from "../../src/monitoring/alerts/group-aggregates.ts";

/** An aggregate of some requests; all that is not given is empty. */
export function aggregateOf(fields: Partial<Aggregate> = {}): Aggregate {
  return {
    requests: 0,
    outcomes: {},
    operations: {},
    cache: {},
    cacheTiers: {},
    coldStarts: 0,
    inferences: 0,
    executions: 0,
    bytesIn: 0,
    bytesOut: 0,
    savedMs: 0,
    durations: {},
    tokens: {},
    audioSeconds: 0,
    invocations: {},
    dataCenters: {},
    countries: {},
    principals: {},
    aliases: {},
    inputs: {},
    shadows: {},
    lost: {},
    ...fields,
  } as Aggregate;
}

/** Merges what the rules of tests look at. */
export function mergeForTests(aggregates: readonly Aggregate[]): Aggregate {
  const merged = aggregateOf();
  for (const each of aggregates) {
    merged.requests += each.requests;
    merged.coldStarts += each.coldStarts;
    for (const field of ["outcomes", "cache", "countries", "principals", "lost"] as const)
      add(merged[field], each[field]);
  }
  return merged;
}

function add(into: Counts, other: Counts): void {
  for (const [name, count] of Object.entries(other)) into[name] = (into[name] ?? 0) + count;
}

export interface TestReadings {
  readonly recent?: readonly VersionTotals[];
  readonly past?: readonly VersionTotals[];
  readonly reports?: readonly { model: string; version: string; reports: VersionReports }[];
  readonly isPartial?: boolean;
  readonly quantile?: Readings["quantile"];
}

export function readingsOf(now: number, given: TestReadings): Readings {
  const { recent = [], past = [], reports = [], isPartial = false } = given;
  return {
    now,
    isPartial,
    groups: (rule, range) =>
      groupAggregates(rule, range.kind === "recent" ? recent : past, mergeForTests),
    quantile: given.quantile ?? (() => undefined),
    reports: () => reports,
  };
}

export interface Step {
  readonly at: number;
  readonly transition: Transition;
  readonly key: string;
}

/** Rules over a virtual clock, in seconds. Its alerts are plain data, as after a restart. */
export function createAlertClock(rules: readonly (Record<string, unknown> & { kind: string })[]) {
  let alerts = new Map<string, Alert>();
  let current: readonly AlertRule[] = rules.map(toRule);
  const steps: Step[] = [];
  return {
    steps,
    alerts: () => [...alerts.values()],
    setRules(next: readonly (Record<string, unknown> & { kind: string })[]) {
      current = next.map(toRule);
    },
    evaluate(second: number, given: TestReadings): readonly Alert[] {
      alerts = new Map(JSON.parse(JSON.stringify([...alerts])) as [string, Alert][]);
      const { advanced } = evaluateRules(
        current,
        alerts,
        readingsOf(second * 1000, given),
        300_000,
      );
      for (const [key, { alert, transition }] of advanced) {
        if (alert) alerts.set(key, alert);
        else alerts.delete(key);
        if (transition) steps.push({ at: second, transition, key });
      }
      return [...alerts.values()];
    },
  };
}

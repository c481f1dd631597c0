import type { Alert, Transition } from "../../src/domain/alerts/alert.ts";
import type { AlertRule } from "../../src/domain/alerts/alert-rule.ts";
import { toRule } from "../../src/domain/alerts/kinds/registry.ts";
import type { Readings, VersionReports } from "../../src/domain/alerts/readings.ts";
import { type Aggregate, createAggregate } from "../../src/domain/monitoring/aggregate.ts";
import { addValue, createDistribution } from "../../src/domain/monitoring/distribution.ts";
import type { Window } from "../../src/domain/monitoring/monitoring.ts";
import { evaluateRules } from "../../src/monitoring/alerts/evaluate-rules.ts";
import { groupAggregates } from "../../src/monitoring/alerts/group-aggregates.ts";

const WEEK_SECONDS = 604_800;

/** Some requests to a version; all that is not given is empty. */
export function windowOf(
  aggregate: Partial<Aggregate>,
  model = "iris",
  version = "1",
  start = 0,
): Window {
  const whole = { ...createAggregate(), ...aggregate };
  return { model, version, start, seconds: 60, aggregate: whole };
}

/** So many values that are the same. */
export function distributionOf(value: number, count = 100) {
  const distribution = createDistribution();
  for (let index = 0; index < count; index++) addValue(distribution, value);
  return distribution;
}

export interface TestReadings {
  readonly recent?: readonly Window[];
  /** From its start to a week later. */
  readonly past?: readonly Window[];
  readonly reports?: readonly { model: string; version: string; reports: VersionReports }[];
  readonly isPartial?: boolean;
}

export function readingsOf(now: number, given: TestReadings): Readings {
  const { recent = [], past = [], reports = [], isPartial = false } = given;
  return {
    now,
    isPartial,
    groups: (rule, { kind }) =>
      kind === "recent"
        ? groupAggregates(rule, recent, now)
        : groupAggregates(rule, past, WEEK_SECONDS * 1000),
    reports: () => reports,
  };
}

export interface Step {
  readonly at: number;
  readonly transition: Transition;
  readonly key: string;
}

type Fields = Record<string, unknown> & { kind: string };

/** Rules over a virtual clock, in seconds. Its alerts are plain data, as after a restart. */
export function createAlertClock(rules: readonly Fields[]) {
  let alerts = new Map<string, Alert>();
  let current: readonly AlertRule[] = rules.map(toRule);
  const steps: Step[] = [];
  return {
    steps,
    alerts: () => [...alerts.values()],
    setRules(next: readonly Fields[]) {
      current = next.map(toRule);
    },
    evaluate(second: number, given: TestReadings): readonly Alert[] {
      alerts = new Map(JSON.parse(JSON.stringify([...alerts])) as [string, Alert][]);
      const readings = readingsOf(second * 1000, given);
      const { advanced } = evaluateRules(current, alerts, readings, 300_000);
      for (const [key, { alert, transition }] of advanced) {
        if (alert) alerts.set(key, alert);
        else alerts.delete(key);
        if (transition) steps.push({ at: second, transition, key });
      }
      return [...alerts.values()];
    },
  };
}

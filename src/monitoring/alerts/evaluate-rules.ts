import { matchesModel } from "../../domain/access/model-pattern.ts";
import type { Alert } from "../../domain/alerts/alert.ts";
import type { AlertKind } from "../../domain/alerts/alert-kind.ts";
import type { AlertRule } from "../../domain/alerts/alert-rule.ts";
import { kindOf } from "../../domain/alerts/kinds/registry.ts";
import {
  type AlertSubject,
  describeSubject,
  type Measurement,
  type Readings,
} from "../../domain/alerts/readings.ts";
import { type Advanced, advanceAlert, endAlert, type Finding } from "./advance-alert.ts";

/** Alerts that are not inactive. More would be a rule that fires for everything. */
export const MAX_ALERTS = 1000;

export interface Evaluation {
  /** By {@link keyOf}: the alerts that have changed, with what there was before. */
  readonly advanced: ReadonlyMap<string, Advanced & { readonly before: Alert | undefined }>;
  /** Alerts that did not begin, because there are too many. */
  readonly suppressed: number;
}

/**
 * Evaluates all rules once. A rule that is disabled or gone ends its alerts.
 * @param alerts all that there are, by {@link keyOf}
 * @param maxGapMs the longest time between two evaluations that leaves no doubt of what was in between
 */
export function evaluateRules(
  rules: readonly AlertRule[],
  alerts: ReadonlyMap<string, Alert>,
  readings: Readings,
  maxGapMs: number,
): Evaluation {
  const { now } = readings;
  const advanced = new Map<string, Advanced & { before: Alert | undefined }>();
  const active = rules.filter(({ enabled }) => enabled);
  const ruleOf = new Map(active.map((rule) => [rule.name, rule]));
  let [suppressed, count] = [0, alerts.size];

  function advance(
    rule: AlertRule,
    kind: AlertKind,
    subject: AlertSubject & { readonly item?: string | undefined },
    finding: Finding,
  ): void {
    const key = keyOf({ rule: rule.name, ...subject });
    const before = alerts.get(key);
    const next = advanceAlert(before, finding, { rule, kind, subject, now, maxGapMs });
    if (next.alert === before) return;
    if (!before && count >= MAX_ALERTS) {
      suppressed += 1;
      return;
    }
    if (!before) count += 1;
    advanced.set(key, { ...next, before });
  }

  for (const rule of active) {
    const kind = kindOf(rule);
    const measured = new Set<string>();
    for (const measurement of kind.measure(rule, readings)) {
      const { subject, item } = measurement;
      measured.add(keyOf({ rule: rule.name, ...subject, item }));
      advance(rule, kind, { ...subject, item }, toFinding(measurement, kind, rule));
    }
    const absent = kind.absence === "clear" && !readings.isPartial ? "clear" : "unknown";
    for (const [key, { model, version, item, ...alert }] of alerts) {
      if (alert.rule !== rule.name || alert.kind !== rule.kind || measured.has(key)) continue;
      if (isCovered(rule, { model, version }))
        advance(rule, kind, { model, version, item }, absent);
    }
  }
  for (const [key, before] of alerts) {
    const rule = ruleOf.get(before.rule);
    if (rule?.kind === before.kind && isCovered(rule, before)) continue;
    const ended = endAlert(before, "rule_removed", now);
    if (ended.alert !== before) advanced.set(key, { ...ended, before });
  }
  return { advanced, suppressed };
}

/** Distinguishes an alert from all others. */
export function keyOf({
  rule,
  model,
  version,
  item,
}: AlertSubject & { readonly rule: string; readonly item?: string | undefined }): string {
  return JSON.stringify([rule, model ?? null, version ?? null, item ?? null]);
}

/** Whether the rule looks at the requests of a version. */
export function looksAt(
  { models, versions }: Pick<AlertRule, "models" | "versions">,
  model: string,
  version: string,
): boolean {
  return (
    (models.includes("*") || matchesModel(models, model)) &&
    (versions.length === 0 || versions.includes(version))
  );
}

/** Whether the rule may have an alert for the subject. */
function isCovered(rule: AlertRule, { model, version }: AlertSubject): boolean {
  if (rule.by === "service") return model === undefined;
  if (model === undefined || (version === undefined) !== (rule.by === "model")) return false;
  return looksAt(
    { ...rule, versions: version === undefined ? [] : rule.versions },
    model,
    version ?? "",
  );
}

function toFinding(measurement: Measurement, kind: AlertKind, rule: AlertRule): Finding {
  const { subject, value, details } = measurement;
  const summary = `${describeSubject(subject)}: ${kind.describe(measurement, rule)}`;
  return { value, summary, details };
}

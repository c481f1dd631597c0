import type { Alert, Resolution, Transition } from "../../domain/alerts/alert.ts";
import { type AlertKind, isBeyond } from "../../domain/alerts/alert-kind.ts";
import type { AlertRule } from "../../domain/alerts/alert-rule.ts";
import type { AlertSubject } from "../../domain/alerts/readings.ts";

/** What was measured of an alert's subject; `clear` and `unknown` where nothing was. */
export type Finding =
  | {
      readonly value: number;
      readonly summary: string;
      readonly details?: Readonly<Record<string, number | string>> | undefined;
    }
  | "clear"
  | "unknown";

export interface Advanced {
  /** `undefined` for one that says nothing any more. */
  readonly alert: Alert | undefined;
  readonly transition?: Transition | undefined;
}

export interface AdvanceOptions {
  readonly rule: AlertRule;
  readonly kind: Pick<AlertKind, "direction">;
  readonly subject: AlertSubject & { readonly item?: string | undefined };
  readonly now: number;
  /** The longest time between two evaluations that leaves no doubt of what was in between. */
  readonly maxGapMs: number;
}

/**
 * The next state of an alert. Nothing but the arguments decides, so it is the same after a restart. The threshold and the clear
 * threshold lie apart, and a value in between changes nothing: neither does it begin an alert, nor end one.
 * @param before `undefined` where there was no alert
 */
export function advanceAlert(
  before: Alert | undefined,
  finding: Finding,
  options: AdvanceOptions,
): Advanced {
  if (before?.state === "firing") return advanceFiring(before, finding, options);
  if (before?.state === "pending") return advancePending(before, finding, options);
  return typeof finding === "object" && isOver(finding.value, options)
    ? begin(before, finding, options)
    : { alert: before };
}

/** For an alert whose rule is gone, or does not look at its subject any more. */
export function endAlert(before: Alert, resolution: Resolution, now: number): Advanced {
  if (before.state === "firing") return resolve(before, resolution, now);
  return { alert: before.state === "pending" ? forget(before) : before };
}

type Measured = Exclude<Finding, string>;

function begin(before: Alert | undefined, finding: Measured, options: AdvanceOptions): Advanced {
  const { rule, subject, now } = options;
  const pending: Alert = {
    rule: rule.name,
    kind: rule.kind,
    severity: rule.severity,
    ...subject,
    state: "pending",
    since: now,
    pendingAt: now,
    // Of the time before, for an alert that does not come to fire.
    firedAt: before?.firedAt,
    resolvedAt: before?.resolvedAt,
    resolution: before?.resolution,
    measuredAt: now,
    isAnnounced: false,
    ...measuredOf(finding),
  };
  return rule.forSeconds === 0 ? fire(pending, now) : { alert: pending };
}

function advancePending(before: Alert, finding: Finding, options: AdvanceOptions): Advanced {
  const { rule, now, maxGapMs } = options;
  // Nobody knows whether the value was beyond all the time.
  if (finding === "unknown") return { alert: forget(before) };
  if (finding === "clear" || !isOver(finding.value, options)) return { alert: forget(before) };
  const hasGap = now - before.measuredAt > maxGapMs;
  const pendingAt = hasGap ? now : (before.pendingAt ?? now);
  const pending: Alert = {
    ...before,
    ...measuredOf(finding),
    severity: rule.severity,
    since: pendingAt,
    pendingAt,
    measuredAt: now,
  };
  return now - pendingAt >= rule.forSeconds * 1000 ? fire(pending, now) : { alert: pending };
}

function advanceFiring(before: Alert, finding: Finding, options: AdvanceOptions): Advanced {
  const { rule, kind, now, maxGapMs } = options;
  if (finding === "unknown") {
    const isOver = now - before.measuredAt >= rule.noDataSeconds * 1000;
    // It has to be seen to be clear, from now on.
    return isOver
      ? resolve(before, "no_data", now)
      : { alert: { ...before, clearSince: undefined } };
  }
  const measured = finding === "clear" ? {} : measuredOf(finding);
  const alert: Alert = { ...before, ...measured, severity: rule.severity, measuredAt: now };
  const isClear = finding === "clear" || !isBeyond(kind, finding.value, rule.clearThreshold);
  if (!isClear) return { alert: { ...alert, clearSince: undefined } };
  const hasGap = now - before.measuredAt > maxGapMs;
  const clearSince = hasGap ? now : (before.clearSince ?? now);
  return now - clearSince >= rule.clearSeconds * 1000
    ? resolve(alert, "clear", now)
    : { alert: { ...alert, clearSince } };
}

function fire(pending: Alert, now: number): Advanced {
  const alert: Alert = {
    ...pending,
    state: "firing",
    since: now,
    firedAt: now,
    resolvedAt: undefined,
    resolution: undefined,
    isAnnounced: false,
  };
  return { alert, transition: "firing" };
}

function resolve(before: Alert, resolution: Resolution, now: number): Advanced {
  const alert: Alert = {
    ...before,
    state: "resolved",
    since: now,
    resolvedAt: now,
    resolution,
    clearSince: undefined,
  };
  return { alert, transition: "resolved" };
}

/** One that was firing before is kept as resolved. */
function forget(pending: Alert): Alert | undefined {
  const { resolvedAt } = pending;
  if (resolvedAt === undefined) return undefined;
  return { ...pending, state: "resolved", since: resolvedAt, pendingAt: undefined };
}

function isOver(value: number, { rule, kind }: AdvanceOptions): boolean {
  return isBeyond(kind, value, rule.threshold);
}

function measuredOf({ value, summary, details }: Measured) {
  return { value, summary, details };
}

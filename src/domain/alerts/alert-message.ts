import type { Alert, Transition } from "./alert.ts";
import type { Unit } from "./alert-kind.ts";
import type { AlertRule } from "./alert-rule.ts";
import type { MessageType } from "./webhook.ts";

/** The payload of a webhook: type, timestamp and data, as Standard Webhooks recommends it. docs/alerts.md. */
export interface AlertMessage {
  readonly type: MessageType;
  /** When it happened, not when it is sent (ISO 8601). */
  readonly timestamp: string;
  readonly data: AlertData;
}

export interface AlertData {
  /** Of the time from firing to resolved: both messages have the same. */
  readonly alert: string;
  readonly rule: string;
  readonly kind: string;
  readonly severity: string;
  readonly state: Transition;
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** A client or a country, of rules that are about them. */
  readonly item?: string | undefined;
  /** A sentence. */
  readonly summary: string;
  readonly description?: string | undefined;
  readonly value: number;
  readonly unit: Unit;
  readonly threshold: number;
  readonly details?: Readonly<Record<string, number | string>> | undefined;
  readonly pendingAt?: string | undefined;
  readonly firedAt: string;
  readonly resolvedAt?: string | undefined;
  readonly resolution?: string | undefined;
}

/** @param id of the alert, from firing to resolved */
export function toAlertMessage(
  id: string,
  alert: Alert,
  rule: Pick<AlertRule, "description" | "threshold"> & { readonly unit: Unit },
  transition: Transition,
): AlertMessage {
  const { pendingAt, firedAt = alert.since, resolvedAt, resolution } = alert;
  const isResolved = transition === "resolved";
  return {
    type: `alert.${transition}`,
    timestamp: toTime((isResolved ? resolvedAt : firedAt) ?? alert.since),
    data: {
      alert: id,
      rule: alert.rule,
      kind: alert.kind,
      severity: alert.severity,
      state: transition,
      model: alert.model,
      version: alert.version,
      item: alert.item,
      summary: alert.summary,
      description: rule.description,
      value: alert.value,
      unit: rule.unit,
      threshold: rule.threshold,
      details: alert.details,
      pendingAt: pendingAt === undefined ? undefined : toTime(pendingAt),
      firedAt: toTime(firedAt),
      ...(isResolved && {
        resolvedAt: resolvedAt === undefined ? undefined : toTime(resolvedAt),
        resolution,
      }),
    },
  };
}

function toTime(at: number): string {
  return new Date(at).toISOString();
}

import type { Alert, Transition } from "../../domain/alerts/alert.ts";
import { toAlertMessage } from "../../domain/alerts/alert-message.ts";
import type { AlertRule } from "../../domain/alerts/alert-rule.ts";
import { kindOf } from "../../domain/alerts/kinds/registry.ts";
import { type AlertEvent, EVENT_SCHEMA_VERSION } from "../../domain/event.ts";
import type { OutgoingMessage } from "./outbox.ts";

/** Each time that an alert fires it has another id: of its number in the history, and the time. */
export function alertIdOf(seq: number, at: number): string {
  return `alert_${at.toString(36)}_${seq.toString(36)}`;
}

/** What webhooks are told. Its id follows of the alert and the transition, so there is one message for each. */
export function toMessage(
  alert: Alert & { readonly id: string },
  rule: Pick<AlertRule, "description" | "threshold">,
  transition: Transition,
): OutgoingMessage {
  const { unit } = kindOf(alert);
  const message = toAlertMessage(alert.id, alert, { ...rule, unit }, transition);
  return {
    id: `${alert.id}_${transition}`,
    type: message.type,
    body: JSON.stringify(message),
    item: alert.item,
  };
}

/** Whether messages of new alerts are held back. */
export function isMuted({ mutedUntil }: Pick<AlertRule, "mutedUntil">, now: number): boolean {
  return mutedUntil !== undefined && Date.parse(mutedUntil) > now;
}

/** Without the item, which may be a client. */
export function toAlertEvent(
  alert: Alert & { readonly id: string },
  threshold: number,
  transition: Transition,
  at: number,
): AlertEvent {
  const { id, rule, kind, severity, model, version, value, resolution } = alert;
  return {
    event: "alert",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: new Date(at).toISOString(),
    id,
    rule,
    kind,
    severity,
    state: transition,
    model,
    version,
    value,
    threshold,
    ...(transition === "resolved" && { resolution }),
  };
}

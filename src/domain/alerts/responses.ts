import type { Alert, AlertTransition } from "./alert.ts";
import type { AlertRules, AlertsReport } from "./alerts.ts";
import type { Delivery, Webhook } from "./webhook.ts";

/** What `/admin/alerts` and its neighbours respond with: what the Durable Object has, with times in ISO 8601. */

export type AlertsResponse = ReturnType<typeof toAlertsResponse>;
export type AlertResponse = ReturnType<typeof toAlertResponse>;
export type TransitionResponse = ReturnType<typeof toTransitionResponse>;
export type RulesResponse = ReturnType<typeof toRulesResponse>;
export type WebhookResponse = ReturnType<typeof toWebhookResponse>;
/** With the secret of a new webhook, or of one that got another. */
export type IssuedWebhookResponse = WebhookResponse & { readonly secret?: string | undefined };
export type DeliveryResponse = ReturnType<typeof toDeliveryResponse>;

export function toAlertsResponse(report: AlertsReport) {
  const { alerts, history, evaluatedAt, problem, suppressed } = report;
  return {
    alerts: alerts.map(toAlertResponse),
    history: history.map(toTransitionResponse),
    evaluatedAt: toOptionalTime(evaluatedAt),
    problem,
    suppressed,
  };
}

export function toRulesResponse({ revision, isDefault, rules }: AlertRules) {
  return { revision, isDefault, rules };
}

export function toWebhookResponse({ lastDelivery, ...webhook }: Webhook) {
  return {
    ...webhook,
    createdAt: toTime(webhook.createdAt),
    updatedAt: toTime(webhook.updatedAt),
    previousSecretUntil: toOptionalTime(webhook.previousSecretUntil),
    lastDelivery: lastDelivery && toDeliveryResponse(lastDelivery),
  };
}

export function toDeliveryResponse(delivery: Delivery) {
  const { at, nextAt, createdAt } = delivery;
  return {
    ...delivery,
    at: toTime(at),
    nextAt: toOptionalTime(nextAt),
    createdAt: toTime(createdAt),
  };
}

function toAlertResponse(alert: Alert) {
  const { since, pendingAt, firedAt, resolvedAt, clearSince, measuredAt, ...others } = alert;
  return {
    ...others,
    since: toTime(since),
    pendingAt: toOptionalTime(pendingAt),
    firedAt: toOptionalTime(firedAt),
    resolvedAt: toOptionalTime(resolvedAt),
    clearSince: toOptionalTime(clearSince),
    measuredAt: toTime(measuredAt),
  };
}

function toTransitionResponse({ at, transition, messageId, alert }: AlertTransition) {
  return { at: toTime(at), transition, messageId, alert: toAlertResponse(alert) };
}

function toTime(at: number): string {
  return new Date(at).toISOString();
}

function toOptionalTime(at: number | undefined): string | undefined {
  return at === undefined ? undefined : toTime(at);
}

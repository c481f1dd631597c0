import type { Alert, AlertTransition } from "./alert.ts";
import type { AlertRule } from "./alert-rule.ts";
import type { VersionFindings } from "./readings.ts";
import type { Delivery, IssuedWebhook, PutWebhook, Webhook, WebhookFields } from "./webhook.ts";

export interface AlertRules {
  readonly rules: readonly AlertRule[];
  /** 0 for the default rules, and one more with each change. */
  readonly revision: number;
  readonly isDefault: boolean;
}

export interface ChangedRules {
  readonly before: AlertRules;
  readonly after: AlertRules;
}

export interface AlertsQuery {
  /** Of the history. */
  readonly limit: number;
  /** Transitions before this time, in milliseconds since the epoch. */
  readonly before?: number | undefined;
}

export interface AlertsReport {
  /** Alerts that are pending, firing or were resolved in the last days. */
  readonly alerts: readonly Alert[];
  /** Newest first. */
  readonly history: readonly AlertTransition[];
  /** When the rules were last evaluated, in milliseconds since the epoch, and what failed. */
  readonly evaluatedAt?: number | undefined;
  readonly problem?: string | undefined;
  /** Alerts that did not begin in the last evaluation, because there are too many. */
  readonly suppressed: number;
}

/** For metrics: small, and without a computation. */
export interface AlertsSummary {
  readonly firing: readonly Pick<Alert, "rule" | "severity" | "model" | "version">[];
  readonly pending: number;
  readonly evaluations: number;
  readonly failedEvaluations: number;
  readonly evaluatedAt?: number | undefined;
  /** Attempts since the first one, by the state that they have left. */
  readonly deliveries: Readonly<Record<string, number>>;
  readonly waiting: number;
  /** What drift, canaries and accuracy said in the last evaluation. */
  readonly reports: readonly VersionFindings[];
}

export interface DeliveriesQuery {
  readonly webhook?: string | undefined;
  readonly state?: Delivery["state"] | undefined;
  readonly limit: number;
}

/** Rules, alerts and webhooks of a deployment. What takes the name of a webhook throws ApiError `webhook_not_found`. */
export interface AlertMethods {
  alerts(query: AlertsQuery): Promise<AlertsReport>;
  alertsSummary(): Promise<AlertsSummary>;
  alertRules(): Promise<AlertRules>;
  /**
   * Replaces all rules.
   * @param rules `undefined` for the default rules
   * @param ifRevision the revision that they must have now
   * @throws ApiError `precondition_failed`
   */
  putAlertRules(
    rules: readonly AlertRule[] | undefined,
    ifRevision: number | undefined,
  ): Promise<ChangedRules>;
  webhooks(): Promise<readonly Webhook[]>;
  webhook(name: string): Promise<Webhook>;
  /** @throws ApiError `not_supported` without PRIVACY_KEY, `invalid_request` where there are too many */
  putWebhook(name: string, fields: WebhookFields): Promise<PutWebhook>;
  rotateWebhook(name: string, overlapSeconds: number): Promise<IssuedWebhook>;
  /** What waits for it is not sent. */
  deleteWebhook(name: string): Promise<Webhook>;
  deliveries(query: DeliveriesQuery): Promise<readonly Delivery[]>;
  /** Tries once more what was given up, and at once what waits. @returns how many deliveries */
  retryDeliveries(webhook: string): Promise<number>;
  /** Sends a message to a webhook, or all that are enabled, and waits a moment for the answers. */
  testWebhooks(webhook: string | undefined): Promise<readonly Delivery[]>;
}

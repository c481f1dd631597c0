import type { Alert, AlertTransition } from "./alert.ts";
import type { AlertRule } from "./alert-rule.ts";
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
}

export interface DeliveriesQuery {
  readonly webhook?: string | undefined;
  readonly state?: Delivery["state"] | undefined;
  readonly limit: number;
}

/** Rules, alerts and webhooks of a deployment. All methods that take a name throw ApiError `webhook_not_found`. */
export interface Alerts {
  report(query: AlertsQuery): Promise<AlertsReport>;
  summary(): Promise<AlertsSummary>;
  rules(): Promise<AlertRules>;
  /**
   * Replaces all rules.
   * @param rules `undefined` for the default rules
   * @param ifRevision the revision that they must have now
   * @throws ApiError `precondition_failed`
   */
  putRules(
    rules: readonly AlertRule[] | undefined,
    ifRevision: number | undefined,
  ): Promise<ChangedRules>;
  webhooks(): Promise<readonly Webhook[]>;
  webhook(name: string): Promise<Webhook>;
  putWebhook(name: string, fields: WebhookFields): Promise<PutWebhook>;
  rotateWebhook(name: string, overlapSeconds: number): Promise<IssuedWebhook>;
  deleteWebhook(name: string): Promise<Webhook>;
  deliveries(query: DeliveriesQuery): Promise<readonly Delivery[]>;
  /** Tries once more what was given up, or waits. @returns how many deliveries */
  retryDeliveries(webhook: string): Promise<number>;
  /** Sends a message to a webhook, or all that are enabled, and waits for the first attempt of each. */
  test(webhook: string | undefined): Promise<readonly Delivery[]>;
}

import * as z from "zod";
import {
  ALERT_STATES,
  type Alert,
  type AlertTransition,
  RESOLUTIONS,
  TRANSITIONS,
} from "../../domain/alerts/alert.ts";
import { SEVERITIES } from "../../domain/alerts/alert-rule.ts";
import type { AlertRules, AlertsReport } from "../../domain/alerts/alerts.ts";
import { ruleSchema } from "../../domain/alerts/kinds/registry.ts";
import {
  DELIVERY_STATES,
  type Delivery,
  type DeliveryAttempt,
  MESSAGE_TYPES,
  WEBHOOK_STATES,
  type Webhook,
  webhookFieldsSchema,
} from "../../domain/alerts/webhook.ts";

const time = z.iso.datetime();
const count = z.int().min(0);

export const alertSchema = z.strictObject({
  id: z.string().optional().describe("From firing to resolved: `data.alert` of its messages."),
  rule: z.string(),
  kind: z.string(),
  severity: z.enum(SEVERITIES),
  model: z.string().optional().describe("Absent of an alert of the service as a whole."),
  version: z.string().optional(),
  item: z.string().optional().describe("A client or a country, of rules that are about them."),
  state: z.enum(ALERT_STATES),
  since: time.describe("Since when it is in this state."),
  pendingAt: time.optional(),
  firedAt: time.optional(),
  resolvedAt: time.optional(),
  resolution: z.enum(RESOLUTIONS).optional(),
  clearSince: time.optional().describe("Of a firing one: since when its value is clear."),
  measuredAt: time,
  value: z.number(),
  summary: z.string(),
  details: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
  isAnnounced: z.boolean().describe("Whether webhooks were told; not while its rule is muted."),
});

export const alertsSchema = z.strictObject({
  alerts: z
    .array(alertSchema)
    .describe("Those that are pending or firing, or were resolved in the last seven days."),
  history: z
    .array(
      z.strictObject({
        at: time,
        transition: z.enum(TRANSITIONS),
        messageId: z.string().optional().describe("The `webhook-id` of its message."),
        alert: alertSchema,
      }),
    )
    .describe("What has happened in the last 90 days, newest first."),
  evaluatedAt: time.optional().describe("When the rules were last evaluated."),
  problem: z.string().optional().describe("What could not be read in the last evaluation."),
  suppressed: count.describe("Alerts that did not begin, because there are too many."),
});

export const alertRulesSchema = z.strictObject({
  revision: count.describe("0 for the default rules, and one more with each change."),
  isDefault: z.boolean(),
  rules: z.array(ruleSchema).describe("With everything that was left out."),
});

const attempt = {
  messageId: z.string().describe("The `webhook-id`."),
  state: z.enum(DELIVERY_STATES),
  attempts: count,
  at: time.describe("Of the last attempt, or of its creation."),
  nextAt: time.optional(),
  status: z.int().optional().describe("Of the last answer."),
  problem: z.string().optional(),
};

export const deliverySchema = z.strictObject({
  ...attempt,
  webhook: z.string(),
  type: z.enum(MESSAGE_TYPES),
  createdAt: time,
});

export const deliveriesSchema = z.strictObject({ deliveries: z.array(deliverySchema) });

export const webhookSchema = z.strictObject({
  name: z.string(),
  url: z.string(),
  severities: webhookFieldsSchema.shape.severities.unwrap(),
  models: z.array(z.string()).describe("All, and the service as a whole, when it is empty."),
  state: z
    .enum(WEBHOOK_STATES)
    .describe(
      "`gone`: its receiver has answered 410. `secret_lost`: PRIVACY_KEY is another one than that of its secret; rotate it.",
    ),
  createdAt: time,
  updatedAt: time,
  previousSecretUntil: time
    .optional()
    .describe("Until when messages are signed by the secret before as well."),
  pending: count.describe("Messages that wait for it."),
  dead: count.describe("Messages of the last seven days that were given up."),
  lastDelivery: z
    .strictObject({ ...attempt, webhook: z.string(), type: z.enum(MESSAGE_TYPES), createdAt: time })
    .optional(),
});

export const webhooksSchema = z.strictObject({ webhooks: z.array(webhookSchema) });

export const issuedWebhookSchema = webhookSchema.extend({
  secret: z
    .string()
    .optional()
    .describe(
      "`whsec_` and base64 of 32 bytes, by which receivers verify messages. It is shown this once; absent where the webhook keeps its secret.",
    ),
});

export const retriedSchema = z.strictObject({ retried: count });

export function toAlertsResponse(report: AlertsReport) {
  const { alerts, history, evaluatedAt, problem, suppressed } = report;
  return {
    alerts: alerts.map(toAlert),
    history: history.map(toTransition),
    evaluatedAt: toTime(evaluatedAt),
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
    previousSecretUntil: toTime(webhook.previousSecretUntil),
    lastDelivery: lastDelivery && toDeliveryResponse(lastDelivery as Delivery),
  };
}

export function toDeliveryResponse(delivery: Delivery) {
  return { ...toAttempt(delivery), createdAt: toTime(delivery.createdAt) };
}

function toAttempt<A extends DeliveryAttempt>(each: A) {
  return { ...each, at: toTime(each.at), nextAt: toTime(each.nextAt) };
}

function toAlert(alert: Alert) {
  const { since, pendingAt, firedAt, resolvedAt, clearSince, measuredAt, ...others } = alert;
  return {
    ...others,
    since: toTime(since),
    pendingAt: toTime(pendingAt),
    firedAt: toTime(firedAt),
    resolvedAt: toTime(resolvedAt),
    clearSince: toTime(clearSince),
    measuredAt: toTime(measuredAt),
  };
}

function toTransition({ at, transition, messageId, alert }: AlertTransition) {
  return { at: toTime(at), transition, messageId, alert: toAlert(alert) };
}

function toTime(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}

import * as z from "zod";
import { ALERT_STATES, RESOLUTIONS, TRANSITIONS } from "../../domain/alerts/alert.ts";
import { SEVERITIES } from "../../domain/alerts/alert-rule.ts";
import { ruleSchema } from "../../domain/alerts/kinds/registry.ts";
import {
  DELIVERY_STATES,
  MESSAGE_TYPES,
  WEBHOOK_STATES,
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

export const deliverySchema = z.strictObject({
  messageId: z.string().describe("The `webhook-id`."),
  state: z.enum(DELIVERY_STATES),
  attempts: count,
  at: time.describe("Of the last attempt, or of its creation."),
  nextAt: time.optional(),
  status: z.int().optional().describe("Of the last answer."),
  problem: z.string().optional(),
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
  lastDelivery: deliverySchema.optional(),
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

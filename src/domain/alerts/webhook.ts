import * as z from "zod";
import { MODEL_PATTERN } from "../access/model-pattern.ts";
import { SEVERITIES, type Severity } from "./alert-rule.ts";
import { webhookUrlProblem } from "./webhook-url.ts";

export const WEBHOOK_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
export const MAX_WEBHOOKS = 20;
/** A week: as long as it takes to give a new secret to everything that has the old one. */
export const MAX_SECRET_OVERLAP_SECONDS = 604_800;

export const webhookFieldsSchema = z.strictObject({
  url: z
    .string()
    .superRefine((text, context) => {
      const problem = webhookUrlProblem(text);
      if (problem) context.addIssue({ code: "custom", message: problem });
    })
    .describe(
      "Where messages are sent by POST: https, or http to this machine. Redirects are not followed.",
    ),
  severities: z
    .array(z.enum(SEVERITIES))
    .min(1)
    .optional()
    .describe("Of the alerts that it is told of; all when left out."),
  models: z
    .array(
      z
        .string()
        .regex(MODEL_PATTERN, "a pattern is a model's name, in which * stands for any characters"),
    )
    .min(1)
    .max(100)
    .optional()
    .describe(
      "Patterns of the names of models whose alerts it is told of; with them it is not told of those of the service as a whole.",
    ),
  enabled: z
    .boolean()
    .optional()
    .describe("true by default; setting it enables a webhook again that was disabled by 410."),
});
export type WebhookFields = z.output<typeof webhookFieldsSchema>;

/** Whether a webhook gets messages, and why not. */
export const WEBHOOK_STATES = [
  "enabled",
  "disabled", // by an administrator
  "gone", // its receiver has answered 410
  "secret_lost", // PRIVACY_KEY is another one than that of its secret: it needs a rotation
] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

/** A receiver of messages. Its secret is not part of it: it is derived when it is needed. */
export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly severities: readonly Severity[];
  /** All, and the service as a whole, when it is empty. */
  readonly models: readonly string[];
  readonly state: WebhookState;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Until when messages have a signature by the secret before as well. */
  readonly previousSecretUntil?: number | undefined;
  /** Of messages to it: those that wait, and those that were given up. */
  readonly pending: number;
  readonly dead: number;
  readonly lastDelivery?: Delivery | undefined;
}

/** How an attempt to send a message ended. */
export interface DeliveryAttempt {
  readonly at: number;
  readonly messageId: string;
  readonly attempts: number;
  readonly state: DeliveryState;
  /** Of the answer; absent where there was none. */
  readonly status?: number | undefined;
  readonly problem?: string | undefined;
  /** Of a pending one. */
  readonly nextAt?: number | undefined;
}

export const DELIVERY_STATES = [
  "pending", // it is tried, or waits to be tried again
  "delivered", // the receiver has answered with 2xx
  "dead", // it was given up: after a day, or because the receiver is gone
] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** A message to one receiver. */
export interface Delivery extends DeliveryAttempt {
  readonly webhook: string;
  readonly type: MessageType;
  readonly createdAt: number;
}

export const MESSAGE_TYPES = ["alert.firing", "alert.resolved", "alert.test"] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** A webhook that was created, or whose secret is another one now. */
export interface IssuedWebhook {
  readonly webhook: Webhook;
  /** `whsec_` and base64 of 32 bytes, as Standard Webhooks writes it. It is shown this once. */
  readonly secret: string;
}

/** A webhook that was put: with its secret where it is a new one. */
export interface PutWebhook {
  readonly before: Webhook | undefined;
  readonly webhook: Webhook;
  readonly secret?: string | undefined;
}

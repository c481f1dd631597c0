import type { Context } from "hono";
import { toWebhookResponse } from "../../../domain/alerts/responses.ts";
import type { Webhook } from "../../../domain/alerts/webhook.ts";
import type { JsonObject } from "../../../domain/audit/audit-entry.ts";
import type { AppEnv } from "../../../http/context.ts";
import { bodyOf } from "../../../http/receive.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation } from "../../operation.ts";
import { parseRotateWebhook, parseWebhookFields, parseWebhookName } from "../alert-request.ts";
import { json } from "../schemas.ts";
import { ALERTS, withAlerts } from "./alerts.ts";

/** Only administrators see webhooks: their URLs may have a secret of the receiver. */
const WEBHOOKS = { ...ALERTS, access: "admin" } as const satisfies Partial<Operation>;

const OF_WEBHOOK = {
  ...WEBHOOKS,
  path: "/alerts/webhooks/{webhook}",
  errors: [...WEBHOOKS.errors, "invalid_request", "webhook_not_found"],
} as const satisfies Partial<Operation>;

const THE_WEBHOOK = { 200: { description: "The webhook.", content: json("Webhook") } } as const;

export const WEBHOOK_OPERATIONS: readonly Operation[] = [
  {
    ...WEBHOOKS,
    id: "listWebhooks",
    method: "get",
    path: "/alerts/webhooks",
    summary: "List the webhooks of alerts",
    responses: { 200: { description: "The webhooks.", content: json("Webhooks") } },
    handler: withAlerts(async (c, alerts) => {
      const webhooks = (await alerts.webhooks()).map(toWebhookResponse);
      return respond(c, JSON.stringify({ webhooks }));
    }),
  },
  {
    ...OF_WEBHOOK,
    id: "getWebhook",
    method: "get",
    summary: "Get a webhook",
    responses: THE_WEBHOOK,
    handler: withAlerts(async (c, alerts) =>
      respond(c, JSON.stringify(toWebhookResponse(await alerts.webhook(nameOf(c))))),
    ),
  },
  {
    ...OF_WEBHOOK,
    id: "putWebhook",
    method: "put",
    summary: "Create or change a webhook",
    description:
      "The response to the creation has the secret by which receivers verify messages (Standard Webhooks), which is never shown again. A change keeps the secret; what it leaves out is as by default.",
    parameters: ["content-encoding"],
    body: {
      required: true,
      content: json("PutWebhookRequest", {
        critical: { value: { url: "https://example.com/alerts", severities: ["critical"] } },
      }),
    },
    responses: {
      200: {
        description: "The webhook was changed.",
        headers: ["cache-control"],
        content: json("IssuedWebhook"),
      },
      201: {
        description: "The webhook was created.",
        headers: ["location", "cache-control"],
        content: json("IssuedWebhook"),
      },
    },
    errors: [...WEBHOOKS.errors, ...READ_BODY, "empty_body"],
    audit: {},
    handler: withAlerts(async (c, alerts, prefix) => {
      const name = nameOf(c);
      const put = await alerts.putWebhook(name, parseWebhookFields(parseJson(bodyOf(c))));
      const { before, webhook, secret } = put;
      recordChange(c, {
        ...(before && { before: toRecord(before) }),
        after: toRecord(webhook),
      });
      if (!before) c.get("headers").location = `${prefix}/admin/alerts/webhooks/${name}`;
      return respondOnce(c, webhook, secret, before ? 200 : 201);
    }),
  },
  {
    ...OF_WEBHOOK,
    id: "deleteWebhook",
    method: "delete",
    summary: "Delete a webhook",
    description: "With the messages that wait for it.",
    responses: THE_WEBHOOK,
    audit: {},
    handler: withAlerts(async (c, alerts) => {
      const webhook = await alerts.deleteWebhook(nameOf(c));
      recordChange(c, { before: toRecord(webhook) });
      return respond(c, JSON.stringify(toWebhookResponse(webhook)));
    }),
  },
  {
    ...OF_WEBHOOK,
    id: "rotateWebhook",
    method: "post",
    path: "/alerts/webhooks/{webhook}/rotate",
    summary: "Give a webhook a new secret",
    description:
      "For `overlapSeconds` messages have two signatures, by the new secret and by the one before.",
    parameters: ["content-encoding"],
    body: {
      required: false,
      content: json("RotateWebhookRequest", {
        day: { value: { overlapSeconds: 86_400 } },
        leaked: { value: { overlapSeconds: 0 } },
      }),
    },
    responses: {
      200: {
        description: "The webhook with its new secret.",
        headers: ["cache-control"],
        content: json("IssuedWebhook"),
      },
    },
    errors: [...OF_WEBHOOK.errors, ...READ_BODY],
    audit: { request: ["overlapSeconds"] },
    handler: withAlerts(async (c, alerts) => {
      const name = nameOf(c);
      const body = c.get("body");
      const overlapSeconds = parseRotateWebhook(body.byteLength > 0 ? parseJson(body) : {});
      const { webhook, secret } = await alerts.rotateWebhook(name, overlapSeconds);
      recordChange(c, { after: { ...toRecord(webhook), rewritten: ["secret"] } });
      return respondOnce(c, webhook, secret, 200);
    }),
  },
  {
    ...OF_WEBHOOK,
    id: "retryWebhook",
    method: "post",
    path: "/alerts/webhooks/{webhook}/retry",
    summary: "Send messages to a webhook again",
    description:
      "Those of the last seven days that were given up, and at once those that wait. Tests are not repeated.",
    responses: { 200: { description: "How many they are.", content: json("RetriedDeliveries") } },
    audit: {},
    handler: withAlerts(async (c, alerts) =>
      respond(c, JSON.stringify({ retried: await alerts.retryDeliveries(nameOf(c)) })),
    ),
  },
];

function nameOf(c: Context<AppEnv>): string {
  return parseWebhookName(c.req.param("webhook") ?? "");
}

/** A response with a secret, which nobody may keep. */
function respondOnce(
  c: Context<AppEnv>,
  webhook: Webhook,
  secret: string | undefined,
  status: number,
): Response {
  c.get("headers")["cache-control"] = "no-store";
  return respond(c, JSON.stringify({ ...toWebhookResponse(webhook), secret }), { status });
}

/** Of the URL only the origin: its path may have a secret of the receiver. */
function toRecord({ url, severities, models, state }: Webhook): JsonObject {
  return { origin: new URL(url).origin, severities: [...severities], models: [...models], state };
}

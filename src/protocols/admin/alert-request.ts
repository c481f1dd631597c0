import * as z from "zod";
import type { AlertRule } from "../../domain/alerts/alert-rule.ts";
import type { DeliveriesQuery } from "../../domain/alerts/alerts.ts";
import { rulesSchema, toRule } from "../../domain/alerts/kinds/registry.ts";
import {
  DELIVERY_STATES,
  MAX_SECRET_OVERLAP_SECONDS,
  WEBHOOK_NAME,
  type WebhookFields,
  webhookFieldsSchema,
} from "../../domain/alerts/webhook.ts";
import { ApiError } from "../../domain/errors.ts";
import { quote } from "../../shared/quote.ts";
import { parseExactly, parseWith } from "../parse.ts";
import { parseCount } from "./parse-query.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
/** A day: as long as it takes to give a new secret to a receiver. */
const DEFAULT_OVERLAP_SECONDS = 86_400;

export const putRulesRequestSchema = z.strictObject({
  rules: rulesSchema
    .optional()
    .describe("All rules. Left out, the default rules: one of each kind, as the kind says it."),
});

export const rotateWebhookRequestSchema = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(MAX_SECRET_OVERLAP_SECONDS)
    .optional()
    .describe(
      `For how long messages have a signature by the secret before as well; ${DEFAULT_OVERLAP_SECONDS} by default. 0 ends it at once, for one that is known to others.`,
    ),
});

export const testWebhooksRequestSchema = z.strictObject({
  webhook: z
    .string()
    .regex(WEBHOOK_NAME)
    .optional()
    .describe("The name of a webhook; all that are enabled when left out."),
});

/**
 * @returns `undefined` for the default rules
 * @throws ApiError `invalid_request`
 */
export function parsePutRules(body: unknown): readonly AlertRule[] | undefined {
  const { rules } = parseExactly(putRulesRequestSchema, withoutNullFields(body), body);
  return rules?.map(toRule);
}

/** An optional field may be `null`, also of a rule, whose schema depends on its kind. */
function withoutNullFields(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const { rules, ...others } = body as { rules?: unknown };
  const given = Array.isArray(rules) ? rules.map(dropNulls) : rules;
  return { ...others, ...(given !== null && given !== undefined && { rules: given }) };
}

function dropNulls(rule: unknown): unknown {
  if (typeof rule !== "object" || rule === null || Array.isArray(rule)) return rule;
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== null));
}

/** @throws ApiError `invalid_request` */
export function parseWebhookFields(body: unknown): WebhookFields {
  return parseWith(webhookFieldsSchema, body);
}

/** @throws ApiError `invalid_request` */
export function parseRotateWebhook(body: unknown): number {
  return parseWith(rotateWebhookRequestSchema, body).overlapSeconds ?? DEFAULT_OVERLAP_SECONDS;
}

/** @throws ApiError `invalid_request` */
export function parseTestWebhooks(body: unknown): string | undefined {
  return parseWith(testWebhooksRequestSchema, body).webhook;
}

/** @throws ApiError `invalid_request` */
export function parseWebhookName(text: string): string {
  if (WEBHOOK_NAME.test(text)) return text;
  throw new ApiError(
    "invalid_request",
    `The name of a webhook is 1 to 63 of a-z 0-9 and -, beginning with a letter or digit; got ${quote(text)}.`,
    { details: { field: "webhook" } },
  );
}

/** @throws ApiError `invalid_request` */
export function parseLimit(text: string | undefined): number {
  return parseCount("limit", text, 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
}

/** @throws ApiError `invalid_request` */
export function parseDeliveriesQuery(query: (name: string) => string | undefined): DeliveriesQuery {
  const [webhook, state] = [query("webhook"), query("state")];
  const known = DELIVERY_STATES.find((each) => each === state);
  if (state !== undefined && known === undefined)
    throw new ApiError(
      "invalid_request",
      `The query parameter "state" must be one of ${DELIVERY_STATES.join(", ")}; got ${quote(state)}.`,
      { details: { field: "state" } },
    );
  return {
    limit: parseLimit(query("limit")),
    webhook: webhook === undefined ? undefined : parseWebhookName(webhook),
    state: known,
  };
}

/**
 * The header `if-match` (RFC 9110, section 13.1.1) of rules, whose entity tags are their revisions.
 * @returns `undefined` where any revision will do
 * @throws ApiError `invalid_request` for what is no entity tag of rules
 */
export function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const [, revision] = /^\s*(?:W\/)?"(\d{1,15})"\s*$/.exec(header) ?? [];
  if (revision !== undefined) return Number(revision);
  throw new ApiError(
    "invalid_request",
    `The header if-match must be the etag of a response with the rules, such as "3", or *; got ${quote(header)}.`,
    { details: { field: "if-match" } },
  );
}

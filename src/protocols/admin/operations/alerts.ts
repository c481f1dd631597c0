import type { Context } from "hono";
import type { AlertMethods, AlertRules, AlertsReport } from "../../../domain/alerts/alerts.ts";
import {
  toAlertsResponse,
  toDeliveryResponse,
  toRulesResponse,
} from "../../../domain/alerts/responses.ts";
import type { JsonObject } from "../../../domain/audit/audit-entry.ts";
import { ApiError } from "../../../domain/errors.ts";
import { authorizeAllModels, mayUseModel } from "../../../http/authenticate.ts";
import type { AppEnv } from "../../../http/context.ts";
import { bodyOf } from "../../../http/receive.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation, OtherOperation } from "../../operation.ts";
import {
  parseDeliveriesQuery,
  parseIfMatch,
  parseLimit,
  parsePutRules,
  parseTestWebhooks,
} from "../alert-request.ts";
import { json } from "../schemas.ts";

/** Properties that the operations of alerts share. */
export const ALERTS = {
  kind: "admin",
  access: "metrics",
  tag: "Administration",
  errors: ["not_supported", "monitoring_unavailable"],
} as const satisfies Partial<Operation>;

const RULES = { ...ALERTS, path: "/alerts/rules" } as const satisfies Partial<Operation>;

const THE_RULES = {
  200: { description: "The rules.", headers: ["etag"], content: json("AlertRules") },
} as const;

export const ALERT_OPERATIONS: readonly Operation[] = [
  {
    ...ALERTS,
    id: "getAlerts",
    method: "get",
    path: "/alerts",
    summary: "Get alerts and their history",
    description: "A key of single models gets the alerts of these.",
    parameters: ["limit"],
    responses: { 200: { description: "The alerts.", content: json("Alerts") } },
    errors: [...ALERTS.errors, "invalid_request"],
    handler: withAlerts(async (c, alerts) => {
      const limit = parseLimit(c.req.query("limit"));
      const report = await alerts.alerts({ limit });
      return respond(c, JSON.stringify(toAlertsResponse(readableOf(c, report))));
    }),
  },
  {
    ...RULES,
    id: "getAlertRules",
    method: "get",
    summary: "Get the rules of alerts",
    description: "Where nobody has set rules, one of each kind.",
    parameters: ["if-none-match"],
    responses: { ...THE_RULES, 304: { description: "The etag is still current." } },
    handler: withAlerts(async (c, alerts) => {
      authorizeAllModels(c);
      return respondRules(c, await alerts.alertRules());
    }),
  },
  {
    ...RULES,
    id: "putAlertRules",
    method: "put",
    access: "admin",
    summary: "Replace the rules of alerts",
    description:
      "All of them; without `rules` the default ones. Alerts of rules that are gone are resolved. With `if-match`, only if they have not changed since they were read.",
    parameters: ["content-encoding", "if-match"],
    body: {
      required: true,
      content: json("PutAlertRulesRequest", {
        two: {
          value: {
            rules: [
              { name: "errors", kind: "error_ratio", threshold: 0.02 },
              {
                name: "slow",
                kind: "latency",
                models: ["digits*"],
                quantile: 0.99,
                threshold: 800,
                severity: "critical",
              },
            ],
          },
        },
        none: { value: {} },
      }),
    },
    responses: THE_RULES,
    errors: [...ALERTS.errors, ...READ_BODY, "empty_body", "precondition_failed"],
    audit: {},
    handler: withAlerts(async (c, alerts) => {
      const ifRevision = parseIfMatch(c.req.header("if-match"));
      const rules = parsePutRules(parseJson(bodyOf(c)));
      const { before, after } = await alerts.putAlertRules(rules, ifRevision);
      recordChange(c, { before: toRecord(before), after: toRecord(after) });
      return respondRules(c, after);
    }),
  },
  {
    ...ALERTS,
    id: "listDeliveries",
    method: "get",
    path: "/alerts/deliveries",
    summary: "List messages to webhooks",
    description:
      "Newest first: those that wait, and those of the last seven days. Dead ones were given up.",
    parameters: ["webhook-filter", "delivery-state", "limit"],
    responses: { 200: { description: "The deliveries.", content: json("Deliveries") } },
    errors: [...ALERTS.errors, "invalid_request"],
    handler: withAlerts(async (c, alerts) => {
      authorizeAllModels(c);
      const query = parseDeliveriesQuery((name) => c.req.query(name));
      const deliveries = (await alerts.deliveries(query)).map(toDeliveryResponse);
      return respond(c, JSON.stringify({ deliveries }));
    }),
  },
  {
    ...ALERTS,
    id: "testWebhooks",
    method: "post",
    path: "/alerts/test",
    access: "admin",
    summary: "Send a test message to webhooks",
    description:
      "To one, or to all that are enabled, once. The response has what the receivers answered within 8 seconds; a delivery that is `pending` is still waiting.",
    parameters: ["content-encoding"],
    body: { required: false, content: json("TestWebhooksRequest") },
    responses: { 200: { description: "The deliveries.", content: json("Deliveries") } },
    errors: [...ALERTS.errors, ...READ_BODY, "webhook_not_found"],
    audit: { request: ["webhook"] },
    handler: withAlerts(async (c, alerts) => {
      const body = c.get("body");
      const name = parseTestWebhooks(body.byteLength > 0 ? parseJson(body) : {});
      const deliveries = (await alerts.testWebhooks(name)).map(toDeliveryResponse);
      return respond(c, JSON.stringify({ deliveries }));
    }),
  },
];

/** A key of single models reads the alerts of these, and not those of the service. */
function readableOf(c: Context<AppEnv>, report: AlertsReport): AlertsReport {
  if (c.get("principal")?.models === undefined) return report;
  const mayRead = ({ model }: { readonly model?: string | undefined }): boolean =>
    model !== undefined && model !== "" && mayUseModel(c, model);
  return {
    ...report,
    alerts: report.alerts.filter(mayRead),
    history: report.history.filter(({ alert }) => mayRead(alert)),
  };
}

type Handle = (c: Context<AppEnv>, alerts: AlertMethods, prefix: string) => Promise<Response>;

/** The handler of an operation that asks the Durable Object of alerts. */
export function withAlerts(handle: Handle): OtherOperation["handler"] {
  return ({ alerts, prefix }) =>
    async (c) => {
      if (alerts) return handle(c, alerts, prefix);
      throw new ApiError(
        "not_supported",
        "This deployment has no alerts: its configuration lacks the Durable Object binding METRICS (docs/monitoring.md).",
      );
    };
}

function respondRules(c: Context<AppEnv>, rules: AlertRules): Response {
  c.get("headers").etag = `"${rules.revision}"`;
  return respond(c, JSON.stringify(toRulesResponse(rules)));
}

/** By name, so that the audit log has the rules that differ. */
function toRecord({ revision, isDefault, rules }: AlertRules): JsonObject {
  const named = rules.map((rule) => [`rule ${rule.name}`, { ...rule }]);
  return { revision, isDefault, ...(Object.fromEntries(named) as JsonObject) };
}

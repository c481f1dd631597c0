import type {
  AlertsResponse,
  DeliveryResponse,
  RulesResponse,
  WebhookResponse,
} from "../../../../src/domain/alerts/responses.ts";
import { toTable } from "../format/table.ts";
import type { Output, Style } from "../output.ts";

const STYLES: Readonly<Record<string, Style>> = {
  firing: "red",
  pending: "yellow",
  resolved: "green",
  delivered: "green",
  dead: "red",
  enabled: "green",
  gone: "red",
  secret_lost: "red",
};

export function describeAlerts(output: Output, alerts: AlertsResponse["alerts"]): string {
  const rows = alerts.map(({ state, severity, rule, since, summary }) => [
    styled(output, state),
    severity,
    rule,
    since,
    summary,
  ]);
  return tableOf(output, ["STATE", "SEVERITY", "RULE", "SINCE", "SUMMARY"], rows);
}

export function describeHistory(output: Output, history: AlertsResponse["history"]): string {
  const rows = history.map(({ at, transition, alert }) => [
    at,
    styled(output, transition),
    alert.severity,
    alert.rule,
    alert.summary,
  ]);
  return tableOf(output, ["AT", "WHAT", "SEVERITY", "RULE", "SUMMARY"], rows);
}

export function describeRules(output: Output, rules: RulesResponse["rules"]): string {
  const rows = rules.map((rule) => [
    rule.name,
    rule.kind,
    rule.enabled ? (rule.mutedUntil ? `muted until ${rule.mutedUntil}` : "enabled") : "disabled",
    rule.severity,
    rule.by,
    rule.models.join(","),
    String(rule.threshold),
    `${rule.windowSeconds} s`,
    `${rule.forSeconds} s`,
  ]);
  const heading = [
    "NAME",
    "KIND",
    "STATE",
    "SEVERITY",
    "BY",
    "MODELS",
    "THRESHOLD",
    "WINDOW",
    "FOR",
  ];
  return tableOf(output, heading, rows);
}

export function describeWebhooks(output: Output, webhooks: readonly WebhookResponse[]): string {
  const rows = webhooks.map((webhook) => [
    webhook.name,
    styled(output, webhook.state),
    webhook.severities.join(","),
    webhook.models.join(",") || "*",
    `${webhook.pending} waiting, ${webhook.dead} given up`,
    webhook.lastDelivery ? `${webhook.lastDelivery.state} at ${webhook.lastDelivery.at}` : "",
    webhook.url,
  ]);
  return tableOf(
    output,
    ["NAME", "STATE", "SEVERITIES", "MODELS", "MESSAGES", "LAST", "URL"],
    rows,
  );
}

export function describeDeliveries(
  output: Output,
  deliveries: readonly DeliveryResponse[],
): string {
  const rows = deliveries.map(
    ({ webhook, state, type, attempts, at, status, problem, messageId }) => [
      webhook,
      styled(output, state),
      type,
      String(attempts),
      at,
      problem ?? (status === undefined ? "" : String(status)),
      messageId,
    ],
  );
  return tableOf(output, ["WEBHOOK", "STATE", "TYPE", "ATTEMPTS", "AT", "ANSWER", "MESSAGE"], rows);
}

function styled(output: Output, state: string): string {
  return output.style(STYLES[state] ?? "yellow", state);
}

function tableOf(output: Output, heading: readonly string[], rows: readonly string[][]): string {
  if (rows.length === 0) return "";
  return toTable([heading.map((text) => output.style("bold", text)), ...rows]);
}

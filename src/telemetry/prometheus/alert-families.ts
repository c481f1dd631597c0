import type { AlertsSummary } from "../../domain/alerts/alerts.ts";
import type { LabelValues, MetricFamily, NumberFamily } from "./family.ts";
import { each } from "./samples.ts";

function ofAlerts(
  family: Pick<NumberFamily, "name" | "type" | "help" | "labels">,
  read: (alerts: AlertsSummary) => ReturnType<NumberFamily["samples"]>,
): NumberFamily {
  return { ...family, samples: ({ alerts }) => (alerts ? read(alerts) : []) };
}

/** The alerts that the service evaluates itself. */
export const ALERT_FAMILIES: readonly MetricFamily[] = [
  ofAlerts(
    {
      name: "onnxflare_alerts_firing",
      type: "gauge",
      help: "Alerts of the service that fire, by rule and by what they are about.",
      labels: ["rule", "severity", "model", "version"],
    },
    ({ firing }) => {
      const alike = Map.groupBy(firing, (alert) => JSON.stringify(labelsOf(alert)));
      return [...alike.keys()]
        .sort()
        .map((key) => [JSON.parse(key), alike.get(key)?.length ?? 0] as const);
    },
  ),
  ofAlerts(
    {
      name: "onnxflare_alerts_pending",
      type: "gauge",
      help: "Alerts that are beyond their threshold, for a shorter time than their rule says.",
      labels: [],
    },
    ({ pending }) => [[[], pending]],
  ),
  ofAlerts(
    {
      name: "onnxflare_alert_evaluations_total",
      type: "counter",
      help: "Evaluations of the rules of alerts, by outcome: done or failed.",
      labels: ["outcome"],
    },
    ({ evaluations, failedEvaluations }) => [
      [["done"], evaluations - failedEvaluations],
      [["failed"], failedEvaluations],
    ],
  ),
  ofAlerts(
    {
      name: "onnxflare_alert_deliveries_total",
      type: "counter",
      help: "Attempts to deliver messages of alerts to webhooks, by what became of them.",
      labels: ["state"],
    },
    ({ deliveries }) => each({ delivered: 0, dead: 0, ...deliveries }),
  ),
  ofAlerts(
    {
      name: "onnxflare_alert_deliveries_waiting",
      type: "gauge",
      help: "Messages of alerts that wait for their next attempt.",
      labels: [],
    },
    ({ waiting }) => [[[], waiting]],
  ),
];

function labelsOf({
  rule,
  severity,
  model = "",
  version = "",
}: AlertsSummary["firing"][number]): LabelValues {
  return [rule, severity, model, version];
}

import { CLIENT_LEFT } from "../../domain/invocation-outcomes.ts";
import type { OtherEvent } from "./event-attributes.ts";

/** `SeverityNumber` of OpenTelemetry's logs. */
export interface Severity {
  readonly severityNumber: 9 | 13 | 17;
  readonly severityText: "INFO" | "WARN" | "ERROR";
}

const INFO: Severity = { severityNumber: 9, severityText: "INFO" };
const WARN: Severity = { severityNumber: 13, severityText: "WARN" };
const ERROR: Severity = { severityNumber: 17, severityText: "ERROR" };

/** How much an event should concern an operator. */
export function severityOf(event: OtherEvent): Severity {
  if (event.event === "invocation") return CLIENT_LEFT.includes(event.outcome) ? INFO : ERROR;
  if (event.event === "guard") return event.kind.endsWith("_reachable") ? INFO : WARN;
  if (event.event === "alert" && event.state === "firing")
    return event.severity === "critical" ? ERROR : WARN;
  if (event.event === "canary") return WARN;
  if (event.event === "gc") return event.failed > 0 ? WARN : INFO;
  return "errorCode" in event && event.errorCode !== undefined ? WARN : INFO;
}

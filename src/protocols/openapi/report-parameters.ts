import { DELIVERY_STATES, WEBHOOK_NAME } from "../../domain/alerts/webhook.ts";
import { OPERATION_ID } from "../../domain/event.ts";
import { MODEL_NAME, MODEL_VERSION } from "../../domain/model-id.ts";
import {
  MAX_WINDOW_ROWS,
  MAX_WINDOW_SECONDS,
  MIN_WINDOW_ROWS,
  MIN_WINDOW_SECONDS,
} from "../../domain/monitoring/drift-fields.ts";
import { SERIES_GROUPS } from "../../domain/monitoring/report.ts";
import type { Parameter } from "./openapi-types.ts";

/** Labels of principals, ids of keys and of requests. */
const LABEL = "^[A-Za-z0-9._:-]{1,128}$";

/** Parameters in queries of reports: what they are of, and of what time. */
export const REPORT_PARAMETERS = {
  "accuracy-version": {
    name: "version",
    in: "query",
    description: "Only this version.",
    schema: { type: "string", pattern: MODEL_VERSION.source },
  },
  "accuracy-from": {
    name: "from",
    in: "query",
    description:
      "Predictions from this time on, ISO 8601 or milliseconds since 1970. Default: seven days before `to`.",
    schema: { type: "string" },
    example: "2026-11-30T00:00:00Z",
  },
  "accuracy-to": {
    name: "to",
    in: "query",
    description: "Predictions before this time. Default: now.",
    schema: { type: "string" },
    example: "2026-12-01T00:00:00Z",
  },
  "accuracy-step": {
    name: "step",
    in: "query",
    description: "The length of the windows.",
    schema: { type: "string", enum: ["hour", "day"], default: "day" },
  },
  "audit-after": {
    name: "after",
    in: "query",
    description: "Entries after that number, oldest first.",
    schema: { type: "integer", minimum: 0 },
    example: 0,
  },
  "audit-before": {
    name: "before",
    in: "query",
    description: "Entries before that number, newest first.",
    schema: { type: "integer", minimum: 1 },
  },
  "audit-limit": {
    name: "limit",
    in: "query",
    description: "Largest number of entries; 100 by default.",
    schema: { type: "integer", minimum: 1, maximum: 1000 },
    example: 20,
  },
  "audit-operation": {
    name: "operation",
    in: "query",
    description: "Entries of this operation, by its id in this document.",
    schema: { type: "string", pattern: OPERATION_ID.source },
  },
  "audit-by": {
    name: "by",
    in: "query",
    description: "Entries of this principal, by its label.",
    schema: { type: "string", pattern: LABEL },
  },
  "audit-model": {
    name: "model",
    in: "query",
    description: "Entries about this model.",
    schema: { type: "string", pattern: MODEL_NAME.source },
  },
  "audit-key": {
    name: "key",
    in: "query",
    description: "Entries about this key, by its id.",
    schema: { type: "string", pattern: LABEL },
  },
  "audit-request": {
    name: "requestId",
    in: "query",
    description: "Entries of this request.",
    schema: { type: "string", pattern: LABEL },
  },
  rowsOfWindow: {
    name: "rows",
    in: "query",
    description: "Rows that a window has at least; `DRIFT_WINDOW_ROWS` by default.",
    schema: { type: "integer", minimum: MIN_WINDOW_ROWS, maximum: MAX_WINDOW_ROWS },
  },
  secondsOfWindow: {
    name: "seconds",
    in: "query",
    description: "Seconds that a window has at least; `DRIFT_WINDOW_SECONDS` by default.",
    schema: { type: "integer", minimum: MIN_WINDOW_SECONDS, maximum: MAX_WINDOW_SECONDS },
  },
  "report-from": {
    name: "from",
    in: "query",
    description: "The beginning of the time (ISO 8601); an hour before its end by default.",
    schema: { type: "string" },
    example: "2026-11-30T12:00:00Z",
  },
  "report-to": {
    name: "to",
    in: "query",
    description: "The end of the time (ISO 8601); now by default.",
    schema: { type: "string" },
    example: "2026-11-30T13:00:00Z",
  },
  "report-model": {
    name: "model",
    in: "query",
    description: "Requests of this model.",
    schema: { type: "string", pattern: MODEL_NAME.source },
    example: "iris-logistic",
  },
  "report-version": {
    name: "version",
    in: "query",
    description: "Requests of this version of the model.",
    schema: { type: "string", pattern: MODEL_VERSION.source },
    example: "1",
  },
  "report-requests": {
    name: "requests",
    in: "query",
    description:
      "`models` leaves out requests that used no model, such as probes of health and those of the dashboard.",
    schema: { type: "string", enum: ["all", "models"], default: "all" },
  },
  step: {
    name: "step",
    in: "query",
    description:
      "The length of windows in seconds, a multiple of 60; by default one that makes 120 windows at most.",
    schema: { type: "integer", minimum: 60, multipleOf: 60 },
    example: 300,
  },
  group: {
    name: "group",
    in: "query",
    description: "Whether there is one series, or one for each model or version.",
    schema: { type: "string", enum: [...SERIES_GROUPS], default: "total" },
  },
  "webhook-filter": {
    name: "webhook",
    in: "query",
    description: "Only messages to this webhook.",
    schema: { type: "string", pattern: WEBHOOK_NAME.source },
  },
  "delivery-state": {
    name: "state",
    in: "query",
    description: "Only messages in this state.",
    schema: { type: "string", enum: [...DELIVERY_STATES] },
  },
} as const satisfies Record<string, Parameter>;

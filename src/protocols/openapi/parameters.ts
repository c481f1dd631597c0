import { KEY_ID } from "../../domain/access/api-key.ts";
import { KEY_STATES } from "../../domain/access/key-authority.ts";
import { MAX_OWNER_LENGTH } from "../../domain/access/key-schema.ts";
import { DELIVERY_STATES, WEBHOOK_NAME } from "../../domain/alerts/webhook.ts";
import { ERROR_KINDS } from "../../domain/errors.ts";
import { EVENT_KINDS, EVENT_STATUS, OPERATION_ID } from "../../domain/event.ts";
import { MODEL_NAME, MODEL_REFERENCE, MODEL_VERSION } from "../../domain/model-id.ts";
import {
  MAX_WINDOW_ROWS,
  MAX_WINDOW_SECONDS,
  MIN_WINDOW_ROWS,
  MIN_WINDOW_SECONDS,
} from "../../domain/monitoring/drift-fields.ts";
import { SERIES_GROUPS } from "../../domain/monitoring/report.ts";
import { ALIAS_NAME } from "../../domain/routing.ts";
import { SUBJECT_ID } from "../../domain/subject.ts";
import { TASK_KINDS } from "../../domain/task-kinds.ts";
import type { Parameter, Reference } from "./openapi-types.ts";

/** Labels of principals, ids of keys and of requests. */
const LABEL = "^[A-Za-z0-9._:-]{1,128}$";

/** Parameters of requests, by their names. `authorization` is a security scheme instead. */
export const PARAMETERS = {
  model: {
    name: "model",
    in: "path",
    description:
      "The model's name. Except under /admin, `name@alias` and `name@version` as well; the name alone is the default version.",
    required: true,
    schema: { type: "string", pattern: MODEL_REFERENCE.source },
    example: "iris-logistic",
  },
  key: {
    name: "key",
    in: "path",
    description: "The id of an API key: the 12 characters after `of_live_`.",
    required: true,
    schema: { type: "string", pattern: KEY_ID.source },
    example: "Kq3v0XyWm2Bt",
  },
  version: {
    name: "version",
    in: "path",
    description: "The version's number.",
    required: true,
    schema: { type: "string", pattern: MODEL_VERSION.source },
    example: "1",
  },
  region: {
    name: "region",
    in: "path",
    description: "The name of a region of shared memory.",
    required: true,
    schema: { type: "string" },
    example: "input0",
  },
  file: {
    name: "file",
    in: "path",
    description:
      "The file's path as the model or the manifest names it, relative. Its slashes may be percent-encoded: `weights%2F0.bin` for `weights/0.bin`.",
    required: true,
    schema: { type: "string", minLength: 1, maxLength: 200 },
    example: "model.onnx.data",
  },
  asset: {
    name: "asset",
    in: "path",
    description: "The name of a file that the dashboard loads.",
    required: true,
    schema: { type: "string", minLength: 1, maxLength: 200 },
    example: "dashboard-CVdx_biw.js",
  },
  aliasOfVersion: {
    name: "alias",
    in: "query",
    description: "An alias that gets the version when it is published.",
    schema: { type: "string", pattern: ALIAS_NAME.source },
    example: "canary",
  },
  context: {
    name: "context",
    in: "query",
    description:
      "Of an exported language model: how many tokens prompt and answer may have together, if fewer than the model was made for.",
    schema: { type: "integer", minimum: 2, maximum: 131_072 },
    example: 1024,
  },
  alias: {
    name: "alias",
    in: "path",
    description:
      "The alias's name; `default` is that of a name without an alias. `newest` is always the newest version, and cannot be set.",
    required: true,
    schema: { type: "string", pattern: ALIAS_NAME.source },
    example: "production",
  },
  "alias-filter": {
    name: "alias",
    in: "query",
    description: "Only changes of this alias.",
    schema: { type: "string", pattern: ALIAS_NAME.source },
    example: "production",
  },
  at: {
    name: "at",
    in: "query",
    description: "A time in the past (ISO 8601).",
    schema: { type: "string" },
    example: "2026-11-30T12:00:00Z",
  },
  limit: {
    name: "limit",
    in: "query",
    description: "Largest number of changes; 100 by default.",
    schema: { type: "integer", minimum: 1, maximum: 1000 },
    example: 20,
  },
  "keys-limit": {
    name: "limit",
    in: "query",
    description: "Largest number of keys; 100 by default.",
    schema: { type: "integer", minimum: 1, maximum: 1000 },
    example: 20,
  },
  "state-filter": {
    name: "state",
    in: "query",
    description: "Only keys in this state.",
    schema: { type: "string", enum: [...KEY_STATES] },
  },
  "owner-filter": {
    name: "owner",
    in: "query",
    description: "Only keys of this owner.",
    schema: { type: "string", minLength: 1, maxLength: MAX_OWNER_LENGTH },
    example: "search-team",
  },
  before: {
    name: "before",
    in: "query",
    description: "Only changes before this revision.",
    schema: { type: "integer", minimum: 1 },
    example: 12,
  },
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
  "x-sticky-key": {
    name: "x-sticky-key",
    in: "header",
    description:
      "Of an alias that is split by this header: requests with the same value get the same version.",
    schema: { type: "string" },
    example: "customer-42",
  },
  "x-subject-id": {
    name: "x-subject-id",
    in: "header",
    description:
      "The id of the person whom the request is about. Only a keyed hash of it is kept, by which what is kept of the request can be exported and erased.",
    schema: { type: "string", pattern: SUBJECT_ID.source },
    example: "user-42",
  },
  "model-filter": {
    name: "model",
    in: "query",
    description: "Events of this model.",
    schema: { type: "string", pattern: MODEL_NAME.source },
  },
  "operation-filter": {
    name: "operation",
    in: "query",
    description: "Events of this operation, by its id in this document.",
    schema: { type: "string", pattern: OPERATION_ID.source },
  },
  "status-filter": {
    name: "status",
    in: "query",
    description: "Events with this status, or with one of this class: `404`, `5xx`.",
    schema: { type: "string", pattern: EVENT_STATUS.source },
  },
  "code-filter": {
    name: "code",
    in: "query",
    description: "Events with this code of an error.",
    schema: { type: "string", enum: Object.keys(ERROR_KINDS) },
  },
  "event-filter": {
    name: "event",
    in: "query",
    description: "Events of this kind.",
    schema: { type: "string", enum: EVENT_KINDS },
  },
  follow: {
    name: "follow",
    in: "query",
    description: "Whether new events follow the last ones.",
    schema: { type: "boolean", default: false },
  },
  force: {
    name: "force",
    in: "query",
    description: "Also a version that requests are routed to; the routes to it are removed.",
    schema: { type: "boolean" },
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
  taskOfVersion: {
    name: "task",
    in: "query",
    description:
      "The task of the version, whose blocks are proposed from the model and the files sent before.",
    schema: { type: "string", enum: [...TASK_KINDS] },
  },
  forcePublication: {
    name: "force",
    in: "query",
    description: "Publishes other files under the number of a version that was deleted.",
    schema: { type: "boolean" },
  },
  olderThanSeconds: {
    name: "olderThanSeconds",
    in: "query",
    description:
      "Younger objects would not be removed, and are marked as `protected`; 86400 by default. Objects of versions are protected for two hours at least.",
    schema: { type: "integer", minimum: 0, maximum: 31_536_000 },
    example: 86_400,
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
  cursor: {
    name: "cursor",
    in: "query",
    description: "Of the response before; from the beginning when left out.",
    schema: { type: "string", minLength: 1, maxLength: 1024 },
  },
  traceparent: {
    name: "traceparent",
    in: "header",
    description:
      "The trace and the span to which the request belongs (W3C Trace Context). One that is not valid is ignored.",
    schema: { type: "string" },
    example: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  },
  tracestate: {
    name: "tracestate",
    in: "header",
    description: "Beside `traceparent`: what tracing systems pass on.",
    schema: { type: "string" },
    example: "congo=t61rcWkgMzE",
  },
  "x-request-id": {
    name: "x-request-id",
    in: "header",
    description:
      "An id for the request: 1 to 128 letters, digits and `._:-`. An invalid id is replaced by a generated one.",
    schema: { type: "string" },
    example: "order-4711",
  },
  "x-timeout-ms": {
    name: "x-timeout-ms",
    in: "header",
    description: "The deadline, in milliseconds from the request's arrival; at most `TIMEOUT_MS`.",
    schema: { type: "integer", minimum: 1, maximum: 999_999_999 },
    example: 10_000,
  },
  "cache-control": {
    name: "cache-control",
    in: "header",
    description:
      "The supported directives are `no-cache`, `no-store`, `max-age` and `only-if-cached` (RFC 9111).",
    schema: { type: "string" },
    example: "max-age=60",
  },
  webhook: {
    name: "webhook",
    in: "path",
    description: "The name of a webhook.",
    required: true,
    schema: { type: "string", pattern: WEBHOOK_NAME.source },
    example: "operators",
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
  "if-match": {
    name: "if-match",
    in: "header",
    description:
      "The `etag` of the response that the change is made of; 412 if it is not current any more.",
    schema: { type: "string" },
    example: '"3"',
  },
  "if-none-match": {
    name: "if-none-match",
    in: "header",
    description: "The `etag` of a response that the client has; 304 if it is still current.",
    schema: { type: "string" },
  },
  "content-encoding": {
    name: "content-encoding",
    in: "header",
    description: "The compression of the body. The size limit applies to the decompressed body.",
    schema: { type: "string", enum: ["identity", "gzip", "x-gzip", "deflate"] },
    example: "identity",
  },
  "content-range": {
    name: "content-range",
    in: "header",
    description:
      "For a part of a file: its first and last byte, and the size of the whole file (RFC 9110, section 14.4).",
    schema: { type: "string", pattern: "^bytes [0-9]+-[0-9]+/[0-9]+$" },
  },
  "repr-digest": {
    name: "repr-digest",
    in: "header",
    description:
      "SHA-256 of the whole file, `sha-256=:BASE64:` (RFC 9530). Required for parts of files.",
    schema: { type: "string" },
  },
  "content-digest": {
    name: "content-digest",
    in: "header",
    description: "SHA-256 of the body, `sha-256=:BASE64:` (RFC 9530).",
    schema: { type: "string" },
  },
  "inference-header-content-length": {
    name: "inference-header-content-length",
    in: "header",
    description:
      "The length of the JSON in bytes, when binary tensor data follows it; 0 when the body is only the data of a single input.",
    schema: { type: "integer", minimum: 0 },
  },
} as const satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof PARAMETERS;

export function parameterReferences(names: readonly ParameterName[]): Reference[] {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

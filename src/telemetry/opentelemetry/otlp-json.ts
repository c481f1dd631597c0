import type { RequestEvent } from "../../domain/event.ts";
import { type OtherEvent, toEventAttributes } from "./event-attributes.ts";
import { type Attributes, type AttributeValue, toRequestAttributes } from "./request-attributes.ts";
import { severityOf } from "./severity.ts";

/**
 * Spans and log records in the JSON of the OpenTelemetry Protocol 1.9 (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding):
 * ids are hexadecimal, and integers of 64 bits are texts.
 */

/** `SPAN_KIND_SERVER`, `STATUS_CODE_ERROR`. */
const SERVER = 2;
const ERROR = 2;
/** Flags of a span beside those of W3C: whether its parent is in another process is known, and it is. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;
/** `SamplingDecision` aside, every span that is exported is recorded. */
const SAMPLED = 1;
const MAX_TEXT_LENGTH = 4096;

/** The span of a request. One without ids cannot be one. */
export function toSpan(event: RequestEvent): object | undefined {
  const { traceId, spanId, parentSpanId, traceFlags = SAMPLED, traceState, status } = event;
  if (traceId === undefined || spanId === undefined) return undefined;
  const start = Date.parse(event.time);
  const isFailed = status >= 500;
  return {
    traceId,
    spanId,
    traceState,
    parentSpanId,
    flags: traceFlags | (parentSpanId === undefined ? 0 : HAS_IS_REMOTE | IS_REMOTE),
    name: `${event.method} ${event.method === "RPC" ? event.operation : event.route}`,
    kind: SERVER,
    startTimeUnixNano: toNanoseconds(start),
    endTimeUnixNano: toNanoseconds(start, event.totalMs),
    attributes: toKeyValues(toRequestAttributes(event)),
    events: isFailed ? [toException(event, toNanoseconds(start, event.totalMs))] : undefined,
    status: isFailed ? { code: ERROR, message: event.errorCode } : undefined,
  };
}

function toException(event: RequestEvent, timeUnixNano: string): object {
  return {
    timeUnixNano,
    name: "exception",
    attributes: toKeyValues({
      "exception.type": event.errorCode,
      "exception.message": event.errorMessage,
      "exception.stacktrace": event.errorCause,
    }),
  };
}

/** The log record of an event of another kind. */
export function toLogRecord(event: OtherEvent, observedAt: number): object {
  const { severityNumber, severityText } = severityOf(event);
  const { traceId } = "traceId" in event ? event : { traceId: undefined };
  return {
    timeUnixNano: toNanoseconds(Date.parse(event.time)),
    observedTimeUnixNano: toNanoseconds(observedAt),
    severityNumber,
    severityText,
    eventName: `onnxflare.${event.event}`,
    body: { stringValue: "message" in event ? event.message : event.event },
    attributes: toKeyValues(toEventAttributes(event)),
    traceId,
  };
}

/** What is exported of: the service. */
export function toResource(serviceName: string, serviceVersion: string): object {
  return {
    attributes: toKeyValues({
      "service.name": serviceName,
      "service.version": serviceVersion,
      "cloud.provider": "cloudflare",
      "cloud.platform": "cloudflare.workers",
    }),
  };
}

/** Since 1970. A number would not have enough digits. */
function toNanoseconds(milliseconds: number, plusMs = 0): string {
  return String(BigInt(milliseconds) * 1_000_000n + BigInt(Math.round(plusMs * 1_000_000)));
}

function toKeyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: toAnyValue(key, value) }],
  );
}

/** Of an attribute that need not be an integer: its type is the same for every value. */
const FRACTION = /(?:ms|seconds?|chunk|rate|distance|value|threshold)$/i;

function toAnyValue(key: string, value: AttributeValue): object {
  if (typeof value === "string") return { stringValue: value.slice(0, MAX_TEXT_LENGTH) };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value !== "number")
    return { arrayValue: { values: value.map((each) => toAnyValue(key, each)) } };
  if (!Number.isFinite(value)) return { stringValue: String(value) };
  return FRACTION.test(key) || !Number.isSafeInteger(value)
    ? { doubleValue: value }
    : { intValue: String(value) };
}

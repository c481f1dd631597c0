import {
  EVENT_SCHEMA_VERSION,
  type InvocationEvent,
  type InvocationTrigger,
  type PlatformReport,
  type RequestEvent,
  type TelemetryEvent,
} from "../../domain/event.ts";
import { MODEL_NAME } from "../../domain/model-id.ts";
import { parseTraceParent } from "../../domain/trace-context.ts";
import { createScrubber } from "../../shared/scrub-secrets.ts";
import { type LineSkip, readLine } from "./read-line.ts";
import { type FetchInfo, readFetch, type TracedInvocation, toObject } from "./trace-item.ts";

/** An invocation of the Worker with the events that it has written. */
export interface JoinedInvocation {
  readonly invocation: InvocationEvent;
  /** Those of requests with what the platform says. */
  readonly events: readonly TelemetryEvent[];
  readonly skipped: readonly (LineSkip | "truncated")[];
}

/** An invocation writes one event of a request, and a few others. */
const MAX_EVENTS = 256;
const MAX_EXCEPTIONS = 4;
const MAX_NAME_LENGTH = 64;
const MAX_MESSAGE_LENGTH = 500;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Paths that name the model. */
const MODEL_PATH = /^[^?#]*?\/models\/([^/:@?#]+)/;
const scrub = createScrubber([], { findsCut: true });

/** Joins what an invocation has logged with how the platform says that it ended. */
export function joinInvocation(item: TracedInvocation): JoinedInvocation {
  const platform = toPlatform(item);
  const events: TelemetryEvent[] = [];
  const requests: RequestEvent[] = [];
  const skipped: (LineSkip | "truncated")[] = item.truncated ? ["truncated"] : [];
  for (const { level, message } of item.logs) {
    const read = level === "log" ? readLine(message) : undefined;
    if (read === undefined) continue;
    if ("skipped" in read || events.length >= MAX_EVENTS) {
      skipped.push("skipped" in read ? read.skipped : "truncated");
      continue;
    }
    const event = read.event.event === "request" ? { ...read.event, platform } : read.event;
    if (event.event === "request") requests.push(event);
    events.push(event);
  }
  return { invocation: toInvocation(item, platform, requests), events, skipped };
}

function toInvocation(
  item: TracedInvocation,
  platform: PlatformReport,
  requests: readonly RequestEvent[],
): InvocationEvent {
  const fetched = readFetch(item.event);
  const [request] = requests;
  const isLost = request === undefined && platform.outcome !== "ok";
  const { exceptions } = item;
  return {
    event: "invocation",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: new Date(item.eventTimestamp ?? Date.now()).toISOString(),
    ...platform,
    trigger: toTrigger(item.event, fetched),
    entrypoint: item.entrypoint?.slice(0, MAX_NAME_LENGTH),
    isLost,
    requests: requests.length,
    requestId: request?.requestId,
    traceId: request?.traceId,
    ...commonModel(requests),
    status: fetched?.status,
    ...(isLost && fetched && readLost(fetched)),
    ...(exceptions.length > 0 && { exceptions: exceptions.slice(0, MAX_EXCEPTIONS).map(toCut) }),
  };
}

function toPlatform({ outcome, cpuTime, wallTime }: TracedInvocation): PlatformReport {
  return {
    outcome: String(outcome).slice(0, MAX_NAME_LENGTH),
    cpuMs: toMilliseconds(cpuTime),
    wallMs: toMilliseconds(wallTime),
  };
}

function toMilliseconds(value: unknown): number {
  return typeof value === "number" && value > 0 && Number.isFinite(value) ? value : 0;
}

function toTrigger(event: unknown, fetched: FetchInfo | undefined): InvocationTrigger {
  if (fetched) return "fetch";
  const info = toObject(event);
  if ("rpcMethod" in info) return "rpc";
  if ("queue" in info) return "queue";
  if ("cron" in info) return "scheduled";
  return "scheduledTime" in info ? "alarm" : "other";
}

/** The version that all requests used: the time of the CPU cannot be told apart. */
function commonModel([first, ...others]: readonly RequestEvent[]): {
  readonly model?: string | undefined;
  readonly version?: string | undefined;
} {
  if (!first) return {};
  const { model, version } = first;
  const isCommon = others.every((other) => other.model === model && other.version === version);
  return isCommon ? { model, version } : {};
}

/** What is known of a request without an event: nothing that a client may have put into its path by mistake. */
function readLost({ url, headers }: FetchInfo): Partial<InvocationEvent> {
  const { "x-request-id": requestId, traceparent } = headers;
  const parent = typeof traceparent === "string" ? parseTraceParent(traceparent) : undefined;
  const [, model = ""] = MODEL_PATH.exec(url) ?? [];
  const isName = MODEL_NAME.test(model) && scrub(model) === model;
  return {
    ...(typeof requestId === "string" && UUID.test(requestId) && { requestId }),
    ...(parent && { traceId: parent.traceId, parentSpanId: parent.spanId }),
    ...(isName && { requestedModel: model }),
  };
}

function toCut({ name, message }: TracedInvocation["exceptions"][number]) {
  return {
    name: scrub(String(name)).slice(0, MAX_NAME_LENGTH),
    message: scrub(String(message)).slice(0, MAX_MESSAGE_LENGTH),
  };
}

import { type CacheReport, KEY_PREFIX_LENGTH } from "./cache-control.ts";
import { type ClockWatch, ISOLATE_CLOCK } from "./clock-watch.ts";
import { toApiError } from "./errors.ts";
import {
  type CacheEvent,
  EVENT_SCHEMA_VERSION,
  type OperationKind,
  type OutputStatistics,
  type RequestEvent,
} from "./event.ts";
import { toGenerationEvent } from "./generation-progress.ts";
import { gatheredOf } from "./statistics/gathered-of.ts";
import { PHASES, type Phase, type Trace, toMicroseconds } from "./trace.ts";

/** A request that has ended. */
export interface EndedRequest {
  /** Its start, in milliseconds since 1970. */
  readonly time: number;
  readonly requestId: string;
  readonly method: string;
  readonly route: string;
  /** Absent when no operation matched. */
  readonly operation: { readonly id: string; readonly kind: OperationKind } | undefined;
  readonly status: number;
  /** What it failed with; `undefined` when it did not. */
  readonly thrown: unknown;
  readonly trace: Trace;
  /** The label of its principal. */
  readonly principal?: string | undefined;
  /** The name of its protocol. */
  readonly protocol?: string | undefined;
  /** Where it came from and arrived, as the platform says. */
  readonly origin?: RequestOrigin | undefined;
}

/** What of `request.cf` is told. */
export interface RequestOrigin {
  readonly colo?: unknown;
  readonly country?: unknown;
}

/** Unknown fields are `undefined`, which JSON omits: adding properties one by one costs more than the rest of the event. */
export function toRequestEvent(
  request: EndedRequest,
  clock: ClockWatch = ISOLATE_CLOCK,
): RequestEvent {
  const { time, requestId, method, route, operation, status, thrown, trace, principal } = request;
  const { protocol, origin } = request;
  const gathered = gatheredOf(trace);
  const runsModels = operation?.kind === "inference" || operation?.kind === "explanation";
  const isAsked = runsModels && trace.model !== undefined;
  const { cache, context } = trace;
  const error = thrown === undefined ? undefined : describeError(thrown);
  return {
    event: "request",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: new Date(time).toISOString(),
    requestId,
    traceId: context?.traceId,
    spanId: context?.spanId,
    parentSpanId: context?.parentSpanId,
    traceFlags: context?.parentSpanId === undefined ? undefined : context.flags,
    traceState: context?.state,
    method,
    route,
    protocol,
    operation: operation?.id,
    operationKind: operation?.kind,
    status,
    errorCode: error?.errorCode,
    errorMessage: error?.errorMessage,
    errorCause: error?.errorCause,
    model: trace.model,
    version: trace.version,
    alias: trace.alias,
    task: trace.task,
    split: trace.split,
    principal,
    subject: trace.subject,
    dataCenter: textOf(origin?.colo),
    country: textOf(origin?.country),
    digest: trace.digest,
    coldStart: trace.coldStart,
    isolate: trace.isolate && { ...trace.isolate, busyMs: toMicroseconds(trace.isolate.busyMs) },
    heapBytes: trace.heapBytes,
    inferences: gathered?.inferences,
    executions: isAsked ? trace.executions : undefined,
    explanation: trace.explanation,
    generation:
      trace.generation &&
      toGenerationEvent(trace.generation, error?.errorCode === "client_closed_request"),
    cache: cache.outcome && toCacheEvent(cache.outcome, cache),
    bytesIn: trace.bytesIn,
    bytesOut: trace.bytesOut,
    totalMs: toMicroseconds(trace.totalMs),
    queueMs: trace.queueMs === undefined ? undefined : toMicroseconds(trace.queueMs),
    phasesMs: toPhases(trace),
    clock: clock.kindOf(trace),
    inputs: gathered?.inputs,
    outputs: trace.isKept ? gathered?.outputs : gathered?.outputs && withoutRows(gathered.outputs),
    profile: gathered?.profile,
    // Set where it is written: a copy with the same fields costs the least.
    sampling: undefined,
  };
}

function withoutRows({ rows: _, ...outputs }: OutputStatistics): OutputStatistics {
  return outputs;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The durations of the measured phases, in the order of {@link PHASES}. */
function toPhases({ phasesMs }: Trace): Partial<Record<Phase, number>> {
  const phases: Partial<Record<Phase, number>> = {};
  for (const phase of PHASES) {
    const duration = phasesMs[phase];
    if (duration !== undefined) phases[phase] = toMicroseconds(duration);
  }
  return phases;
}

function toCacheEvent(outcome: CacheEvent["outcome"], report: CacheReport): CacheEvent {
  const { tier, reason, key, stored, collapsed, bytes, ageSeconds, savedMs, failures } = report;
  const isHit = outcome === "hit";
  return {
    outcome,
    tier: isHit ? tier : undefined,
    reason: isHit ? undefined : reason,
    key: key?.slice(0, KEY_PREFIX_LENGTH),
    stored,
    collapsed,
    bytes,
    ageSeconds,
    savedMs,
    failures: failures.length > 0 ? failures : undefined,
  };
}

function describeError(
  thrown: unknown,
): Pick<RequestEvent, "errorCode" | "errorMessage" | "errorCause"> {
  const { code, message, kind, cause } = toApiError(thrown);
  return {
    errorCode: code,
    // The message of a 4xx quotes the request, which must not be logged.
    ...(kind.status >= 500 ? { errorMessage: message } : {}),
    ...(kind.status >= 500 && cause ? { errorCause: describeCause(cause) } : {}),
  };
}

function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.stack ?? `${cause.name}: ${cause.message}`;
}

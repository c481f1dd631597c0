import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { type CacheReport, KEY_PREFIX_LENGTH } from "../domain/cache-control.ts";
import { toApiError } from "../domain/errors.ts";
import { type CacheEvent, EVENT_SCHEMA_VERSION, type RequestEvent } from "../domain/event.ts";
import { toGenerationEvent } from "../domain/generation-progress.ts";
import type { EventSink } from "../domain/ports.ts";
import { PHASES, type Phase, Trace } from "../domain/trace.ts";
import type { AppEnv } from "./context.ts";
import { toMicroseconds } from "./server-timing.ts";

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Gives each request its id and trace. When the body of the response has ended or the client has disconnected, releases the
 * memory of the request's body and emits one event. A sink that fails never fails a request.
 */
export function observe(
  sink: EventSink,
  onError: (thrown: unknown, c: Context<AppEnv>) => Response,
): MiddlewareHandler<AppEnv> {
  return async function observe(c, next) {
    const time = Date.now();
    const given = c.req.header("x-request-id");
    c.set("requestId", given && REQUEST_ID.test(given) ? given : crypto.randomUUID());
    c.set("trace", new Trace());
    c.set("headers", {});
    try {
      await next();
    } catch (thrown) {
      // Hono calls `onError` for what handlers throw, but not for what `notFound` throws, and only for Errors.
      c.error = toApiError(thrown);
      c.res = onError(c.error, c);
    }
    const bodyEnd = c.get("bodyEnd");
    if (!bodyEnd) {
      c.get("reservation")?.release();
      return emit(sink, () => toEvent(c, time, c.error));
    }
    const emitted = bodyEnd.then(({ error }) => {
      c.get("reservation")?.release();
      c.get("trace").totalMs = c.get("trace").elapsedMs;
      emit(sink, () => toEvent(c, time, error));
    });
    c.executionCtx.waitUntil(emitted);
  };
}

/** Emits an event. A failure of the sink, or in creating the event, does not fail the request. */
function emit(sink: EventSink, toEvent: () => RequestEvent): void {
  try {
    sink.emit(toEvent());
  } catch {
    // The response is sent all the same.
  }
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

/** Unknown fields are `undefined`, which JSON omits: adding properties one by one costs more than the rest of the event. */
function toEvent(c: Context<AppEnv>, time: number, thrown: unknown): RequestEvent {
  const trace = c.get("trace");
  const { cache } = trace;
  const operation = c.get("operation");
  const error = thrown === undefined ? undefined : describeError(thrown);
  return {
    event: "request",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: new Date(time).toISOString(),
    requestId: c.get("requestId"),
    method: c.req.method,
    route: operation?.route ?? matchedRoute(c),
    operation: operation?.id,
    operationKind: operation?.kind,
    status: c.res.status,
    errorCode: error?.errorCode,
    errorMessage: error?.errorMessage,
    errorCause: error?.errorCause,
    model: trace.model,
    version: trace.version,
    digest: trace.digest,
    coldStart: trace.coldStart,
    isolate: trace.isolate && { ...trace.isolate, busyMs: toMicroseconds(trace.isolate.busyMs) },
    generation:
      trace.generation &&
      toGenerationEvent(trace.generation, error?.errorCode === "client_closed_request"),
    cache: cache.outcome && toCacheEvent(cache.outcome, cache),
    bytesIn: trace.bytesIn,
    bytesOut: trace.bytesOut,
    totalMs: toMicroseconds(trace.totalMs),
    phasesMs: toPhases(trace),
    clock: "isolate",
  };
}

/** The route whose path matched, when no operation has the method. */
function matchedRoute(c: Context<AppEnv>): string {
  const routes = matchedRoutes(c).filter(({ path }) => !path.endsWith("*"));
  return routes.at(-1)?.path ?? "unmatched";
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

import type { Context, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { type CacheReport, KEY_PREFIX_LENGTH } from "../domain/cache-control.ts";
import { toApiError } from "../domain/errors.ts";
import { EVENT_SCHEMA_VERSION, PHASES, type RequestEvent, RequestTrace } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";
import type { AppEnv } from "./context.ts";
import { renderError } from "./render-error.ts";

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Gives each request its id and trace, answers with `x-request-id` and `server-timing`, and emits
 * one event when the answer is known. A sink that fails never fails a request.
 */
export function observe(sink: EventSink): MiddlewareHandler<AppEnv> {
  return async function observe(c, next) {
    const start = performance.now();
    const time = new Date();
    const given = c.req.header("x-request-id");
    const requestId = given && REQUEST_ID.test(given) ? given : crypto.randomUUID();
    const trace = new RequestTrace();
    c.set("requestId", requestId);
    c.set("trace", trace);
    try {
      await next();
    } catch (thrown) {
      // Hono gives `onError` what handlers throw, but not what `notFound` throws, and only Errors.
      c.error = toApiError(thrown);
      c.res = renderError(c.error, c);
    }
    const totalMs = performance.now() - start;
    c.header("x-request-id", requestId);
    c.header("server-timing", toServerTiming(trace, totalMs));
    try {
      sink.emit(toEvent(c, trace, time, totalMs));
    } catch {
      // Monitoring is a witness, not a party: what it cannot record must still be answered.
    }
  };
}

function toServerTiming({ phasesMs }: RequestTrace, totalMs: number): string {
  const entries = PHASES.flatMap((phase) => {
    const duration = phasesMs[phase];
    return duration === undefined ? [] : [`${phase};dur=${round(duration)}`];
  });
  return [...entries, `total;dur=${round(totalMs)}`].join(", ");
}

function toEvent(
  c: Context<AppEnv>,
  trace: RequestTrace,
  time: Date,
  totalMs: number,
): RequestEvent {
  const { model, version, digest, temperature, bytesIn, bytesOut } = trace;
  const route = routePath(c, -1);
  const phases = PHASES.flatMap((phase) => {
    const duration = trace.phasesMs[phase];
    return duration === undefined ? [] : [[phase, round(duration)] as const];
  });
  return {
    event: "request",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: time.toISOString(),
    requestId: c.get("requestId"),
    method: c.req.method,
    route: route === "/*" ? "unmatched" : route,
    status: c.res.status,
    ...(c.error ? describeError(c.error) : {}),
    ...(model === undefined ? {} : { model }),
    ...(version === undefined ? {} : { version }),
    ...(digest === undefined ? {} : { digest }),
    ...(temperature === undefined ? {} : { temperature }),
    ...describeCache(trace.cache),
    bytesIn,
    bytesOut,
    totalMs: round(totalMs),
    phasesMs: Object.fromEntries(phases),
    clock: "isolate",
  };
}

function describeCache(report: CacheReport): Pick<RequestEvent, "cache"> {
  const { outcome, tier, reason, key, stored, collapsed, bytes, ageSeconds, savedMs } = report;
  if (outcome === undefined) return {};
  return {
    cache: {
      outcome,
      ...(outcome === "hit" && tier ? { tier } : {}),
      ...(outcome !== "hit" && reason ? { reason } : {}),
      ...(key === undefined ? {} : { key: key.slice(0, KEY_PREFIX_LENGTH) }),
      stored,
      collapsed,
      ...(bytes === undefined ? {} : { bytes }),
      ...(ageSeconds === undefined ? {} : { ageSeconds }),
      ...(savedMs === undefined ? {} : { savedMs }),
      ...(report.failures.length > 0 ? { failures: report.failures } : {}),
    },
  };
}

function describeError(
  thrown: Error,
): Pick<RequestEvent, "errorCode" | "errorMessage" | "errorCause"> {
  const { code, message, kind, cause } = toApiError(thrown);
  return {
    errorCode: code,
    // The message of a 4xx quotes what the client sent, which is none of a log's business.
    ...(kind.status >= 500 ? { errorMessage: message } : {}),
    ...(kind.status >= 500 && cause ? { errorCause: describeCause(cause) } : {}),
  };
}

function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.stack ?? `${cause.name}: ${cause.message}`;
}

/** Microseconds are enough, and keep the lines short. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { toApiError } from "../domain/errors.ts";
import type { RequestEvent } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";
import { toRequestEvent } from "../domain/request-event.ts";
import { Trace } from "../domain/trace.ts";
import { createTraceContext, type TraceContext } from "../domain/trace-context.ts";
import { NO_TRACING, type Tracing } from "../domain/tracing.ts";
import type { ScrubSecrets } from "../shared/scrub-secrets.ts";
import { uuidV7 } from "../shared/uuid-v7.ts";
import type { AppEnv } from "./context.ts";
import { originOf } from "./request-origin.ts";
import { hasSecret } from "./scrub-reply.ts";
import { createSecurityHeaders, type SecurityHeaders } from "./security-headers.ts";

const NO_BODY = new Uint8Array();
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Gives each request its id, its trace and the headers with which every response begins. When the body of the response has ended or the client has disconnected, releases the
 * memory of the request's body and emits one event. A sink that fails never fails a request.
 */
export function observe(
  sink: EventSink,
  onError: (thrown: unknown, c: Context<AppEnv>) => Response,
  securityHeaders: SecurityHeaders = createSecurityHeaders([]),
  scrubReply?: ScrubSecrets,
  tracing: Tracing = NO_TRACING,
): MiddlewareHandler<AppEnv> {
  return async function observe(c, next) {
    const time = Date.now();
    c.set("scrubReply", scrubReply);
    c.set("requestId", givenId(c) ?? uuidV7(time));
    const platform = tracing.current();
    const trace = new Trace(undefined, platform?.startSpan);
    trace.context = contextOf(c, platform?.traceId);
    c.set("trace", trace);
    c.set("headers", securityHeaders(c));
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
      emit(sink, () => toEvent(c, time, c.error));
      return end(c);
    }
    const emitted = bodyEnd.then(({ error }) => {
      c.get("reservation")?.release();
      c.get("trace").totalMs = c.get("trace").elapsedMs;
      emit(sink, () => toEvent(c, time, error));
      end(c);
    });
    c.executionCtx.waitUntil(emitted);
  };
}

/** The id that the client sends, unless it is a secret: ids are logged and stored. */
function givenId(c: Context<AppEnv>): string | undefined {
  const given = c.req.header("x-request-id");
  return given && REQUEST_ID.test(given) && !hasSecret(c, given) ? given : undefined;
}

/** Without what a client passes on that is a secret: it is logged. */
function contextOf(c: Context<AppEnv>, platformTraceId: string | undefined): TraceContext {
  const traceparent = c.req.header("traceparent");
  const tracestate = traceparent === undefined ? undefined : c.req.header("tracestate");
  const context = createTraceContext({ traceparent, tracestate }, platformTraceId);
  const { state } = context;
  return state !== undefined && hasSecret(c, state) ? { ...context, state: undefined } : context;
}

/** Tells those who wait for the end of the response, and who may go on with the context of a request that is over. */
function end(c: Context<AppEnv>): void {
  const listeners = c.get("endListeners");
  if (!listeners) return;
  c.set("body", NO_BODY);
  for (const listener of listeners) listener();
}

/** Emits an event. A failure of the sink, or in creating the event, does not fail the request. */
function emit(sink: EventSink, toEvent: () => RequestEvent): void {
  try {
    sink.emit(toEvent());
  } catch {
    // The response is sent all the same.
  }
}

function toEvent(c: Context<AppEnv>, time: number, thrown: unknown): RequestEvent {
  const operation = c.get("operation");
  return toRequestEvent({
    time,
    requestId: c.get("requestId"),
    method: c.req.method,
    route: operation?.route ?? matchedRoute(c),
    operation,
    status: c.res.status,
    thrown,
    trace: c.get("trace"),
    principal: c.get("principal")?.label,
    protocol: operation?.protocol,
    origin: originOf(c),
  });
}

/** The route whose path matched, when no operation has the method. */
function matchedRoute(c: Context<AppEnv>): string {
  const routes = matchedRoutes(c).filter(({ path }) => !path.endsWith("*"));
  return routes.at(-1)?.path ?? "unmatched";
}

import type { Context, MiddlewareHandler, Next } from "hono";
import type { Admission } from "../domain/admission.ts";
import { throwIfAborted } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import type { Phase, Trace } from "../domain/trace.ts";
import { quote } from "../shared/quote.ts";
import type { AppEnv } from "./context.ts";

/** The deadline of a request, in milliseconds from its arrival. */
const TIMEOUT_HEADER = "x-timeout-ms";

/** The phases in which a request keeps the isolate busy. */
const BUSY_PHASES: readonly Phase[] = [
  "parse",
  "decode",
  "preprocess",
  "infer",
  "postprocess",
  "serialize",
];

/**
 * Admits a request, or refuses it with 429 and `retry-after` before its body is read. Its permit is released when the
 * response's body has ended.
 */
export function admit(admission: Admission): MiddlewareHandler<AppEnv> {
  return async function admit(c, next) {
    const permit = admission.admit(readTimeout(c));
    c.set("permit", permit);
    const trace = c.get("trace");
    // When the client disconnects, workerd ends the request at its current `await` without running `finally` blocks,
    // unless `waitUntil` keeps it alive.
    const { promise: released, resolve } = Promise.withResolvers<void>();
    c.executionCtx.waitUntil(released);
    const release = (serviceMs: number | undefined): void => {
      resolve();
      permit.release(serviceMs);
    };
    try {
      await next();
    } finally {
      const bodyEnd = c.get("bodyEnd");
      // A stream runs in many short slices between other requests, so it is no sample of the service time.
      if (bodyEnd) void bodyEnd.then(() => release(undefined));
      else release(busyMs(trace));
    }
  };
}

/**
 * The service time: how long the request kept the isolate busy. `undefined` if it does not predict the next one: the
 * request failed, used the cache or another request's run, or was the first of a model, whose code the engine still
 * compiles.
 */
function busyMs({ phasesMs, coldStart, cache }: Trace): number | undefined {
  if (phasesMs.parse === undefined || cache.isStoredResponse) return undefined;
  if (coldStart !== false && cache.outcome !== "hit") return undefined;
  if (coldStart === false && phasesMs.infer === undefined) return undefined;
  return BUSY_PHASES.reduce((sum, phase) => sum + (phasesMs[phase] ?? 0), 0);
}

/**
 * Queues an admitted request behind those that arrived earlier.
 * @throws ApiError `client_closed_request` when the client has closed the connection meanwhile
 */
export async function acquirePermit(c: Context<AppEnv>, next: Next): Promise<void> {
  const queued = c.get("permit")?.acquire();
  if (queued) {
    await queued;
    throwIfAborted(c.req.raw.signal);
  }
  await next();
}

function readTimeout(c: Context<AppEnv>): number | undefined {
  const text = c.req.header(TIMEOUT_HEADER);
  if (text === undefined) return undefined;
  const milliseconds = Number(text);
  if (/^[0-9]{1,9}$/.test(text) && milliseconds > 0) return milliseconds;
  throw new ApiError(
    "invalid_request",
    `${TIMEOUT_HEADER} must be a positive integer of milliseconds; got ${quote(text)}.`,
  );
}

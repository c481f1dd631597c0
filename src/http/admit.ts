import type { Context, MiddlewareHandler, Next } from "hono";
import type { Admission } from "../domain/admission.ts";
import { busyMs, type Trace } from "../domain/trace.ts";
import type { AppEnv } from "./context.ts";

/**
 * Admits a request whose body is in memory, or refuses it with 429 and `retry-after`. Its permit is released when the
 * response's body has ended.
 * @param modelOf the name of the model, if it is known without parsing a large body
 */
export function admit(
  admission: Admission,
  modelOf: (c: Context<AppEnv>) => string | undefined,
): MiddlewareHandler<AppEnv> {
  return async function admit(c, next) {
    const deadline = c.get("deadline") ?? admission.begin();
    const { byteLength: bodyBytes } = c.get("body");
    const permit = admission.admit({ deadline, model: modelOf(c), bodyBytes });
    c.set("permit", permit);
    const trace = c.get("trace");
    try {
      await next();
    } finally {
      const bodyEnd = c.get("bodyEnd");
      // A stream runs in many short slices between other requests, so it is no sample of the service time.
      if (bodyEnd) void bodyEnd.then(() => permit.release(undefined));
      else permit.release(serviceMs(trace));
    }
  };
}

/**
 * The service time: how long the request kept the isolate busy. `undefined` if it does not predict the next one: the
 * request failed, used the cache or another request's run, or was the first of a model, whose code the engine still
 * compiles; or it generated a text, between whose tokens others are served.
 */
function serviceMs(trace: Trace): number | undefined {
  const { phasesMs, coldStart, cache, generation } = trace;
  if (generation) return undefined;
  if (phasesMs.parse === undefined || cache.isStoredResponse) return undefined;
  if (coldStart !== false && cache.outcome !== "hit") return undefined;
  if (coldStart === false && phasesMs.infer === undefined) return undefined;
  return busyMs(trace);
}

/**
 * Queues an admitted request.
 * @throws ApiError `client_closed_request` when the client has closed the connection meanwhile
 */
export async function acquirePermit(c: Context<AppEnv>, next: Next): Promise<void> {
  const { raw } = c.req;
  const queued = c.get("permit")?.acquire(raw);
  if (queued) {
    await queued;
  }
  await next();
}

import type { Context, MiddlewareHandler, Next } from "hono";
import type { Admission } from "../domain/admission.ts";
import { serviceMs } from "../domain/service-time.ts";
import { measureQueue } from "../domain/trace.ts";
import type { AppEnv } from "./context.ts";

export interface AdmitOptions {
  /** The name of the model, if it is known without parsing a large body. */
  readonly modelOf: (c: Context<AppEnv>) => string | undefined;
  /** Whether the time that a request takes tells how long others of its model will. */
  readonly isSample: boolean;
}

/**
 * Admits a request whose body is in memory, or refuses it with 429 and `retry-after`. Its permit is released when the
 * response's body has ended.
 */
export function admit(
  admission: Admission,
  { modelOf, isSample }: AdmitOptions,
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
      else permit.release(isSample ? serviceMs(trace) : undefined);
    }
  };
}

/**
 * Queues an admitted request.
 * @throws ApiError `client_closed_request` when the client has closed the connection meanwhile
 */
export async function acquirePermit(c: Context<AppEnv>, next: Next): Promise<void> {
  const { raw } = c.req;
  const permit = c.get("permit");
  if (permit) await measureQueue(c.get("trace"), permit.acquire(raw));
  await next();
}

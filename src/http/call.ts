import type { Context } from "hono";
import { NO_LIMITS } from "../domain/access/request-limits.ts";
import { type CachePolicy, parseCacheControl } from "../domain/cache-control.ts";
import { ANONYMOUS, type Call, createCall } from "../domain/call.ts";
import { busyMs } from "../domain/trace.ts";
import { connectionOf } from "./client-connection.ts";
import type { AppEnv } from "./context.ts";

/** The call of this request. On inference operations `admit` must have run before. */
export function callOf(c: Context<AppEnv>): Call {
  const known = c.get("call");
  if (known) return known;
  const permit = c.get("permit");
  const deadline = c.get("deadline");
  const subject = c.get("subject");
  const call = createCall({
    id: c.get("requestId"),
    principal: c.get("principal") ?? ANONYMOUS,
    ...(deadline && { deadline }),
    limits: c.get("principal")?.policy?.limits ?? NO_LIMITS,
    meter: c.get("ticket")?.meter,
    ...(permit && { yieldSlice: (client) => permit.yield(busyMs(c.get("trace")), client) }),
    get signal() {
      return connectionOf(c).signal;
    },
    ...(subject && { subject: subject.hash }),
    cache: cachePolicyOf(c),
    trace: c.get("trace"),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
    onEnd(listener) {
      const listeners = c.get("endListeners");
      if (listeners) listeners.push(listener);
      else c.set("endListeners", [listener]);
    },
  });
  c.set("call", call);
  return call;
}

/** Nothing is kept of a request whose subject would have to be kept as it is. */
function cachePolicyOf(c: Context<AppEnv>): CachePolicy {
  const policy = parseCacheControl(c.req.header("cache-control"));
  const subject = c.get("subject");
  return subject && subject.hash === undefined ? { ...policy, noStore: true } : policy;
}

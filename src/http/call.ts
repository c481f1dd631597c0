import type { Context } from "hono";
import { parseCacheControl } from "../domain/cache-control.ts";
import { type Call, createCall } from "../domain/call.ts";
import { busyMs } from "../domain/trace.ts";
import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";
import { connectionOf } from "./client-connection.ts";
import type { AppEnv } from "./context.ts";
import { keyIn } from "./request-traits.ts";

/** The call of this request. On inference operations `admit` must have run before. */
export function callOf(c: Context<AppEnv>): Call {
  const known = c.get("call");
  if (known) return known;
  const permit = c.get("permit");
  const deadline = c.get("deadline");
  const call = createCall({
    id: c.get("requestId"),
    principal: { id: () => principalId(c.req.header("authorization")) },
    ...(deadline && { deadline }),
    ...(permit && { yieldSlice: (client) => permit.yield(busyMs(c.get("trace")), client) }),
    get signal() {
      return connectionOf(c).signal;
    },
    cache: parseCacheControl(c.req.header("cache-control")),
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

/** The principal's id, made from the API key, which itself is never stored. */
async function principalId(authorization: string | undefined): Promise<string> {
  const key = keyIn(authorization);
  return key ? toHex((await sha256(key)).subarray(0, 8)) : "anonymous";
}

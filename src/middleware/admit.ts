import type { Context, MiddlewareHandler, Next } from "hono";
import type { Admission } from "../domain/admission.ts";
import { ApiError } from "../domain/errors.ts";
import type { Phase, RequestTrace } from "../domain/event.ts";
import { quote } from "../domain/quote.ts";
import type { AppEnv } from "./context.ts";

/** The deadline of a request, in milliseconds from its arrival. */
const TIMEOUT_HEADER = "x-timeout-ms";

/** The phases in which a request keeps the isolate busy. */
const BUSY_PHASES: readonly Phase[] = ["decode", "preprocess", "infer", "postprocess", "encode"];

/** Lets a prediction in, or refuses it with 429 and `retry-after` before its body is read. */
export function admit(admission: Admission): MiddlewareHandler<AppEnv> {
  return async function admit(c, next) {
    const ticket = admission.admit(readTimeout(c));
    c.set("ticket", ticket);
    const trace = c.get("trace");
    // A client that goes away ends its request in the middle of an `await`, and then no `finally` is
    // ever reached, unless something is waited for.
    const { promise: released, resolve } = Promise.withResolvers<void>();
    c.executionCtx.waitUntil(released);
    try {
      await next();
    } finally {
      resolve();
      ticket.release(busyMs(trace));
    }
  };
}

/**
 * How long the request kept the isolate busy; `undefined` where that tells nothing of the next one: it
 * failed, had a known answer, waited for another one's run, or was the first of a model, whose code the
 * engine still compiles.
 */
function busyMs({ phasesMs, temperature, cache }: RequestTrace): number | undefined {
  if (phasesMs.decode === undefined) return undefined;
  if (temperature !== "warm" && cache.outcome !== "hit") return undefined;
  if (temperature === "warm" && phasesMs.infer === undefined) return undefined;
  return BUSY_PHASES.reduce((sum, phase) => sum + (phasesMs[phase] ?? 0), 0);
}

/** Lets an admitted prediction wait until those who came before have had their turn. */
export async function takeTurn(c: Context<AppEnv>, next: Next): Promise<void> {
  await c.get("ticket").waitForTurn();
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

import type { Context, MiddlewareHandler, Next } from "hono";
import type { CpuCosts } from "../domain/access/cpu-costs.ts";
import type { Limiter, ServiceLimit, Ticket } from "../domain/access/limiter.ts";
import { ApiError, type ErrorCode } from "../domain/errors.ts";
import type { Trace } from "../domain/trace.ts";
import type { AppEnv } from "./context.ts";
import { toOpenAiHeaders, toRateLimitHeaders } from "./rate-limit-headers.ts";

export interface LimitServices {
  readonly limiter: Limiter;
  readonly cpuCosts: CpuCosts;
}

/** Refuses a request for which its API key has no budget left, and charges the others when their response has ended. */
export function limit({ limiter, cpuCosts }: LimitServices): MiddlewareHandler<AppEnv> {
  return function limit(c, next) {
    const policy = c.get("principal")?.policy;
    if (!policy) return next();
    const admitted = limiter.admit(policy, {
      waitUntil: (work) => c.executionCtx.waitUntil(work),
    });
    if (admitted === undefined) return next();
    if (!(admitted instanceof Promise)) return serve(c, next, admitted, cpuCosts);
    return admitted.then(
      (ticket) => serve(c, next, ticket, cpuCosts),
      (error: unknown) => {
        Object.assign(c.get("headers"), headersOf(c, limiter.limits(policy), error));
        throw error;
      },
    );
  };
}

async function serve(
  c: Context<AppEnv>,
  next: Next,
  ticket: Ticket,
  cpuCosts: CpuCosts,
): Promise<void> {
  c.set("ticket", ticket);
  const measurement = cpuCosts.begin();
  const ended = Promise.withResolvers<void>();
  // Keeps the request alive when its client disconnects, so that what it holds is released.
  c.executionCtx.waitUntil(ended.promise);
  const end = (isStream: boolean): void => {
    const trace = c.get("trace");
    const cpuMs = measurement.end(trace, isStream);
    const consumption = { tokens: tokensOf(trace), isVoid: isVoid(c.res.status, c.error, trace) };
    const charge = (ms: number): void => {
      ticket.end({ ...consumption, cpuMs: ms });
      ended.resolve();
    };
    if (typeof cpuMs === "number") charge(cpuMs);
    else void cpuMs.then(charge);
  };
  try {
    await next();
    // Not before: the response cache stores the headers of the context for other clients too.
    const { headers } = c.res;
    for (const [name, value] of Object.entries(headersOf(c, ticket.limits(), c.error)))
      headers.set(name, value);
  } finally {
    const bodyEnd = c.get("bodyEnd");
    if (bodyEnd) void bodyEnd.then(() => end(true));
    else end(false);
  }
}

function headersOf(
  c: Context<AppEnv>,
  limits: readonly ServiceLimit[],
  error: unknown,
): Record<string, string> {
  const headers = toRateLimitHeaders(limits);
  if (!isOpenAi(c)) return headers;
  // OpenAI's clients would repeat after some seconds what is refused for hours.
  const isFinal = error instanceof ApiError && error.code === "quota_exceeded";
  return { ...headers, ...toOpenAiHeaders(limits), ...(isFinal && { "x-should-retry": "false" }) };
}

function isOpenAi(c: Context<AppEnv>): boolean {
  return c.get("operation")?.route.startsWith("/v1/") === true;
}

/** Of an answer that is read from the cache, none; of a task that does not count them one by one, what it has reserved. */
function tokensOf({ cache, generation }: Trace): number | undefined {
  if (cache.outcome === "hit") return 0;
  return generation && generation.inputTokens + generation.outputTokens;
}

/** What a client can bring about, by a short timeout or by its inputs. */
const OF_REQUESTS: readonly ErrorCode[] = ["deadline_exceeded", "out_of_memory"];

/** Whether the service had no time for the request, or failed; not where it ran the model in vain. */
function isVoid(status: number, error: unknown, { phasesMs }: Trace): boolean {
  if (status !== 429 && status < 500) return false;
  const hasRun = phasesMs.infer !== undefined || phasesMs.decode !== undefined;
  return !(hasRun && error instanceof ApiError && OF_REQUESTS.includes(error.code));
}

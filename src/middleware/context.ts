import type { Ticket } from "../domain/admission.ts";
import type { CacheControl } from "../domain/cache-control.ts";
import type { RequestTrace } from "../domain/event.ts";

/** What middleware gives to routes through Hono's context. */
export interface AppEnv {
  Variables: {
    requestId: string;
    trace: RequestTrace;
    /** Set by `admit`, on the routes that predict. */
    ticket: Ticket;
    /** Set by `cacheHeaders`, on the same routes. */
    cacheControl: CacheControl;
    /** In which form the route answers: two forms of the same tensors have different texts here. */
    variant: string;
  };
}

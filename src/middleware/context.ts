import type { Ticket } from "../domain/admission.ts";
import type { RequestTrace } from "../domain/event.ts";

/** What middleware gives to routes through Hono's context. */
export interface AppEnv {
  Variables: {
    requestId: string;
    trace: RequestTrace;
    /** Set by `admit`, on the routes that predict. */
    ticket: Ticket;
  };
}

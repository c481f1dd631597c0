import type { Ticket } from "../domain/admission.ts";
import type { RequestTrace } from "../domain/event.ts";

/** What middleware gives to routes through Hono's context. */
export interface AppEnv {
  Variables: {
    requestId: string;
    trace: RequestTrace;
    /** Set by `admit`, on the routes that predict. */
    ticket: Ticket;
    /** Set by `readBody`: a body can be read once. */
    body: Uint8Array;
    /** What a request is known by for which a known answer was looked for. */
    asked: string | undefined;
    /** Headers that the answer is to have, also if it becomes an error: `respond` sends them. */
    headers: Record<string, string>;
    /** In which form the route answers: two forms of the same tensors have different texts here. */
    variant: string;
  };
}

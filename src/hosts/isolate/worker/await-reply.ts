import { type Call, throwIfAborted } from "../../../domain/call.ts";
import { settlesWithin } from "../../../shared/settles-within.ts";

/** The isolate works on something else, or on nothing that replies. */
export class NoReply extends Error {
  override readonly name = "NoReply";
}

/** An isolate ends its work itself at the deadline; only one that does not is not waited for any longer. */
const GRACE_MS = 1000;
/** How often a call that waits looks for its client. */
const TICK_MS = 1000;
/** Of a call without a deadline, such as the load of a model. */
const MAX_WAIT_MS = 120_000;

/**
 * Waits for the reply of an isolate, which may never come: until the client has left, or a second after the deadline.
 * @throws ApiError `client_closed_request`, `deadline_exceeded`
 * @throws NoReply, and what the reply rejects with
 */
export async function awaitReply<T>(replying: Promise<T>, call: Call): Promise<T> {
  const limitMs = Math.min(call.deadline.remainingMs + GRACE_MS, MAX_WAIT_MS);
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += TICK_MS) {
    if (await settlesWithin(replying, Math.min(TICK_MS, limitMs - waitedMs))) return replying;
    throwIfAborted(call.signal);
  }
  call.deadline.check();
  throw new NoReply(`the isolate did not reply within ${Math.round(limitMs)} ms`);
}

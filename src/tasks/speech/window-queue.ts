import type { Call } from "../../domain/call.ts";
import { settlesWithin } from "../../shared/settles-within.ts";

/** Lets the windows of several recordings be transcribed one after the other. */
export interface WindowQueue {
  /**
   * @param work of one window
   * @throws what the work throws; ApiError `deadline_exceeded`, `client_closed_request` while it waits
   */
  run<T>(call: Call, work: () => Promise<T>): Promise<T>;
}

/** How often one that waits looks at its deadline and its client. */
const LOOK_MS = 50;

/**
 * A window takes tens of megabytes beside the model, and two at a time take as long as one after the other. A window whose call
 * is over its deadline is waited for no longer: the platform may have ended its request without another word.
 */
export function createWindowQueue(): WindowQueue {
  let running: { readonly call: Call; readonly ended: Promise<void> } | undefined;
  return {
    async run(call, work) {
      while (running && running.call.deadline.remainingMs > 0) {
        await settlesWithin(running.ended, LOOK_MS);
        await call.checkpoint();
      }
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const own = { call, ended };
      running = own;
      try {
        return await work();
      } finally {
        if (running === own) running = undefined;
        end();
      }
    },
  };
}

// As a namespace: a runtime without `waitUntil` would refuse to import it by its name.
import * as workers from "cloudflare:workers";

/** Keeps the Worker running until work is settled, as far as the request permits in which this is called. */
export function keepAlive(work: Promise<unknown>): void {
  const settled = work.catch(() => undefined);
  try {
    workers.waitUntil?.(settled);
  } catch {
    // Outside of a request.
  }
}

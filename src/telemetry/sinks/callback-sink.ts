// As a namespace: a runtime without `waitUntil` would refuse to import it by its name.
import * as workers from "cloudflare:workers";
import type { TelemetryEvent } from "../../domain/event.ts";
import type { EventSink } from "../../domain/ports.ts";

/**
 * Calls a function for each event. What it returns keeps the Worker alive until it is settled; its failure fails nothing.
 * @param onLost called when that is rejected
 */
export function createCallbackSink(
  onEvent: (event: TelemetryEvent) => void | Promise<void>,
  onLost: (error: unknown) => void = () => undefined,
): EventSink {
  return {
    emit(event) {
      const work = onEvent(event);
      if (work === undefined) return;
      const settled = work.catch(onLost);
      // It throws outside of a request.
      workers.waitUntil?.(settled);
    },
  };
}

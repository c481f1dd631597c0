import type { EventSink } from "../domain/ports.ts";

/** Emits each event to every sink, also when one of them throws. */
export function createFanOutSink(...sinks: readonly EventSink[]): EventSink {
  return {
    emit(event) {
      for (const sink of sinks) {
        try {
          sink.emit(event);
        } catch {
          // A failed sink must fail neither the request nor the other sinks.
        }
      }
    },
  };
}

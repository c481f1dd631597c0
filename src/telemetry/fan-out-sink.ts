import type { EventSink } from "../domain/ports.ts";

/** Gives each event to every sink; one that throws does not keep it from the others. */
export function createFanOutSink(...sinks: readonly EventSink[]): EventSink {
  return {
    emit(event) {
      for (const sink of sinks) {
        try {
          sink.emit(event);
        } catch {
          // Monitoring is a witness, not a party.
        }
      }
    },
  };
}

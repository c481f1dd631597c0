import type { TelemetryEvent } from "./event.ts";

/** Where events go. */
export interface EventSink {
  emit(event: TelemetryEvent): void;
}

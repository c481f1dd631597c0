import type { TelemetryEvent } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";
import { type ScrubSecrets, scrubTexts } from "../shared/scrub-secrets.ts";

/** Passes events on without the secrets that texts in them may have: the message of a library may quote whatever it was given. */
export function createScrubbingSink(sink: EventSink, scrub: ScrubSecrets): EventSink {
  return {
    emit: (event) =>
      sink.emit(isPlain(event) ? event : (scrubTexts(event, scrub) as TelemetryEvent)),
  };
}

/** Whether the event has no text of others: that of most requests. An id of a request that has a secret is not used (`observe`). */
function isPlain(event: TelemetryEvent): boolean {
  if (event.event !== "request") return false;
  return event.errorMessage === undefined && event.cache?.failures === undefined;
}

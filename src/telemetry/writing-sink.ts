import type { EventSink } from "../domain/ports.ts";
import type { Sample } from "./sampling.ts";
import { toWrittenEvent } from "./written-event.ts";

/** Passes on the events that are written, as they are written: those of requests by sampling, and all others. */
export function createWritingSink(sink: EventSink, sample: Sample): EventSink {
  return {
    emit(event) {
      if (event.event !== "request") return sink.emit(event);
      const sampling = sample(event);
      if (sampling) sink.emit(toWrittenEvent(event, sampling));
    },
  };
}

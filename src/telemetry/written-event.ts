import type { EventSampling, InputStatistics, RequestEvent } from "../domain/event.ts";

/** From how many values on their mean is no value of an input any more. */
export const WRITTEN_FROM = 5;

/**
 * The event as it is written. The statistics of the inputs of a single request may be values of these: its mean is one when it has one
 * row, and its extremes always are. What is collected of many requests needs them, and what is written leaves them out.
 */
export function toWrittenEvent(event: RequestEvent, sampling: EventSampling): RequestEvent {
  return { ...event, sampling, inputs: event.inputs?.map(toWritten) };
}

function toWritten(statistics: InputStatistics): InputStatistics {
  if (statistics.kind === "numeric") {
    const { name, kind, count, missing, histogram, min, max, mean, deviation } = statistics;
    if (count < WRITTEN_FROM || min === max) return { name, kind, count, missing, histogram };
    return { name, kind, count, missing, mean, deviation, histogram };
  }
  if (statistics.kind === "category" && statistics.count < WRITTEN_FROM)
    return { ...statistics, counts: undefined };
  return statistics;
}

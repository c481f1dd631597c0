import type { EventSampling, InputStatistics, RequestEvent } from "../domain/event.ts";

/** From how many values on neither their mean nor their counts are the value of an input. */
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
    // A bin of the reference may be a single value, such as 0 or 1.
    if (count < WRITTEN_FROM || min === max) return { name, kind, count, missing };
    return { name, kind, count, missing, mean, deviation, histogram };
  }
  if (statistics.kind === "category" && !hasDifferent(statistics))
    return { ...statistics, counts: undefined };
  return statistics;
}

/** Whether there are as many as are written, and not all the same: that would be the value of each. */
function hasDifferent({ count, counts }: Extract<InputStatistics, { kind: "category" }>): boolean {
  return count >= WRITTEN_FROM && !counts?.includes(count);
}

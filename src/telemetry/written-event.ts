import type {
  EventSampling,
  InputStatistics,
  OutputStatistics,
  RequestEvent,
} from "../domain/event.ts";

/** From how many values on their mean is no value of an input any more. */
export const WRITTEN_FROM = 5;

/**
 * The event as it is written. The statistics of the inputs of a single request may be values of these: its mean is one when it has one
 * row, and its extremes always are. What is collected of many requests needs them, and what is written leaves them out.
 */
export function toWrittenEvent(event: RequestEvent, sampling: EventSampling): RequestEvent {
  const { inputs, outputs } = event;
  if (inputs === undefined && outputs === undefined) return { ...event, sampling };
  return {
    ...event,
    sampling,
    inputs: inputs?.map(toWritten),
    outputs: outputs && withoutRepetition(outputs),
  };
}

/** Rows that are all of the predictions say what counts of their confidences do. */
function withoutRepetition(outputs: OutputStatistics): OutputStatistics {
  const { count, labels, rows, entropy, value } = outputs;
  return rows?.length === count ? { count, labels, rows, entropy, value } : outputs;
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

import type { TelemetryEvent } from "../../domain/event.ts";
import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import { addLabel } from "../../domain/monitoring/merge-aggregate.ts";
import { foldInvocation } from "./fold-invocation.ts";
import { foldRequest } from "./fold-request.ts";
import { foldStatistics } from "./fold-statistics.ts";

/** The version that an event is counted for; both are empty for events that belong to none. */
export interface Place {
  readonly model: string;
  readonly version: string;
}

const NOWHERE: Place = { model: "", version: "" };

/**
 * Where an event is counted. Names that nobody has resolved are in many events: each would have a shard of its own.
 * @param isKnown whether a model has had a request that ran
 * @returns `undefined` for an event that is not counted
 */
export function placeOf(
  event: TelemetryEvent,
  isKnown: (model: string) => boolean,
): Place | undefined {
  switch (event.event) {
    case "request": {
      const { model, version, operationKind } = event;
      const runsModels = operationKind === "inference" || operationKind === "explanation";
      if (!runsModels || model === undefined) return NOWHERE;
      if (version !== undefined) return event as Place;
      return isKnown(model) ? { model, version: "" } : NOWHERE;
    }
    case "shadow":
      return { model: event.model, version: event.shadowVersion };
    case "invocation": {
      const { model, version } = event;
      return model !== undefined && version !== undefined ? { model, version } : NOWHERE;
    }
    default:
      return undefined;
  }
}

/** Adds an event to the aggregate of its place. */
export function foldEvent(aggregate: Aggregate, event: TelemetryEvent, now: number): void {
  countEvent(aggregate, event, now);
  // The inputs of explanations are no predictions.
  if (event.event !== "request" || event.operationKind === "explanation") return;
  if (event.inputs || event.outputs) foldStatistics(aggregate, event);
}

/** Adds an event without the statistics of inputs and predictions. */
export function countEvent(aggregate: Aggregate, event: TelemetryEvent, now: number): void {
  if (event.event === "request") foldRequest(aggregate, event, now);
  else if (event.event === "invocation") foldInvocation(aggregate, event);
  else if (event.event === "shadow") addLabel(aggregate, "shadows", event.outcome);
}

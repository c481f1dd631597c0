import { EVENT_SCHEMA_VERSION, type GuardEvent } from "./event.ts";

/** @param at milliseconds since the epoch */
export function createGuardEvent(
  fields: Omit<GuardEvent, "event" | "schemaVersion" | "time">,
  at = Date.now(),
): GuardEvent {
  const time = new Date(at).toISOString();
  return { event: "guard", schemaVersion: EVENT_SCHEMA_VERSION, time, ...fields };
}

import { EVENT_PREFIX } from "../../domain/attribute-names.ts";
import type { RequestEvent, TelemetryEvent } from "../../domain/event.ts";
import type { Attributes, AttributeValue } from "./request-attributes.ts";

/** An event of another kind than that of requests. */
export type OtherEvent = Exclude<TelemetryEvent, RequestEvent>;

/** What names a client or a person, which cannot be erased where it is exported to; and what the log record itself has. */
const LEFT_OUT: readonly string[] = [
  "event",
  "time",
  "traceId",
  "spanId",
  "principal",
  "subject",
  "client",
  "by",
  "actor",
  "network",
];

/** The plain fields of an event. Objects are left out, such as what an administrator has changed. */
export function toEventAttributes(event: OtherEvent): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(event))
    if (!LEFT_OUT.includes(name) && isPlain(value))
      attributes[`${EVENT_PREFIX}${event.event}.${name}`] = value;
  return attributes;
}

function isPlain(value: unknown): value is AttributeValue {
  return ["string", "number", "boolean"].includes(typeof value);
}

import { EVENT_DEFINITIONS } from "../../domain/event/registry.ts";
import { EVENT_SCHEMA_VERSION, type TelemetryEvent } from "../../domain/event.ts";

/** Why a line of the console was skipped, although it looks like an event. */
export const LINE_SKIPS = [
  "not_json", // it begins as a JSON object does, and is none
  "too_long", // it is not parsed
  "unknown_event", // of a kind that this version does not know
  "unknown_version", // of another schema version
  "invalid", // fields are missing, or are something else
] as const;
export type LineSkip = (typeof LINE_SKIPS)[number];

export type ReadLine = { readonly event: TelemetryEvent } | { readonly skipped: LineSkip };

/** The platform keeps 256 KB of an invocation's log; an event has 30 KB at most. */
const MAX_LINE_LENGTH = 131_072;

/**
 * Reads a line of the console of the Worker, where whatever its code logs is beside events.
 * @param logged the arguments of one call of the console
 * @returns `undefined` for what is no event and does not look like one
 */
export function readLine(logged: unknown): ReadLine | undefined {
  if (!Array.isArray(logged) || logged.length !== 1) return undefined;
  const line: unknown = logged[0];
  if (typeof line !== "string" || !line.startsWith("{")) return undefined;
  if (line.length > MAX_LINE_LENGTH) return { skipped: "too_long" };
  const value = parse(line);
  if (value === undefined) return { skipped: "not_json" };
  // Of somebody's own log.
  if (typeof value.event !== "string") return undefined;
  if (!Object.hasOwn(EVENT_DEFINITIONS, value.event)) return { skipped: "unknown_event" };
  if (value.schemaVersion !== EVENT_SCHEMA_VERSION) return { skipped: "unknown_version" };
  const { schema } = EVENT_DEFINITIONS[value.event as TelemetryEvent["event"]];
  const { success, error } = schema.safeParse(value);
  // A newer Worker may have added fields.
  if (!success && error.issues.some(({ code }) => code !== "unrecognized_keys"))
    return { skipped: "invalid" };
  return { event: value as unknown as TelemetryEvent };
}

/** `undefined` for a text that is no object of JSON. */
function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

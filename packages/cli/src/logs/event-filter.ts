import { InvalidArgumentError } from "commander";
import { WATCHDOG_REQUEST_ID } from "../local/watchdog-request.ts";

export interface EventFilter {
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** `404`, or `5xx` for a class. */
  readonly status?: readonly string[] | undefined;
  readonly operation?: string | undefined;
  readonly code?: string | undefined;
  readonly event?: string | undefined;
}

export function parseStatusArgument(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim().toLowerCase());
  if (parts.every((part) => /^[1-5](?:\d\d|xx)$/.test(part))) return parts;
  throw new InvalidArgumentError("A status is 404, or 5xx for all of them; several have commas.");
}

/** Whether an event passes; of those that come through wrangler, nobody else has chosen. */
export function toPredicate({
  model,
  version,
  status,
  operation,
  code,
  event: kind,
}: EventFilter): (event: Readonly<Record<string, unknown>>) => boolean {
  const matches = (wanted: string | undefined, value: unknown): boolean =>
    wanted === undefined || wanted === value;
  const hasStatus = (value: unknown): boolean =>
    status === undefined ||
    status.some((part) => new RegExp(`^${part.replaceAll("x", "\\d")}$`).test(String(value)));
  return (event) =>
    matches(model, event.model) &&
    matches(version, event.version) &&
    matches(operation, event.operation) &&
    matches(code, event.errorCode) &&
    matches(kind, event.event) &&
    hasStatus(event.status);
}

/** A local server is asked each second whether it responds. */
export function isWatchdogEvent({ requestId }: Readonly<Record<string, unknown>>): boolean {
  return requestId === WATCHDOG_REQUEST_ID;
}

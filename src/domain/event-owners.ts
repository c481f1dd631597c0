import { workerId } from "./access/worker-id.ts";
import { type DataOwners, type DataSelector, selects } from "./data-selector.ts";
import type { TelemetryEvent } from "./event.ts";
import { requestHash } from "./request-hash.ts";

/**
 * The events that any of the selectors selects, with those about the same requests, such as that of a capture, that name neither
 * the key nor the subject.
 */
export async function eventsOf(
  events: readonly TelemetryEvent[],
  selectors: readonly DataSelector[],
): Promise<ReadonlySet<TelemetryEvent>> {
  const owners = await Promise.all(events.map(ownersOf));
  const requests = new Set<string>();
  for (const owner of owners)
    if (owner.request !== undefined && selectors.some((selector) => selects(selector, owner)))
      requests.add(owner.request);
  return new Set(
    events.filter((_, index) => {
      const owner = owners[index];
      if (!owner) return false;
      if (owner.request !== undefined && requests.has(owner.request)) return true;
      return selectors.some((selector) => selects(selector, owner));
    }),
  );
}

/** The fields of some kinds of events. */
type EventOwners = TelemetryEvent & {
  readonly requestId?: string;
  readonly principal?: string;
  readonly by?: string;
  readonly subject?: string;
};

async function ownersOf(event: TelemetryEvent): Promise<DataOwners> {
  const { requestId, by, principal = by, subject } = event as EventOwners;
  return {
    principal: principal === undefined ? undefined : await toPrincipalId(principal),
    subject,
    request: requestId === undefined ? undefined : await requestHash(requestId),
  };
}

/** Of a label: that of a key has its id after `key:`, that of a token is the id. */
export async function toPrincipalId(label: string): Promise<string> {
  if (label.startsWith("worker:")) return workerId(label.slice("worker:".length));
  return label.replace(/^key:/, "");
}

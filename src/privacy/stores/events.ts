import { workerId } from "../../domain/access/worker-id.ts";
import { type DataOwners, type DataSelector, selects } from "../../domain/data-selector.ts";
import type { TelemetryEvent } from "../../domain/event.ts";
import type { EventLog } from "../../domain/event-log.ts";
import { requestHash } from "../../domain/request-hash.ts";
import type { PersonalDataStore } from "../personal-data-store.ts";

/** The last events of this isolate. They hold no input and no output. */
export function createEventsData(log: Pick<EventLog, "all" | "remove">): PersonalDataStore {
  return {
    name: "events",

    async erase(selector) {
      return { erased: await removeEvents(log, [selector]) };
    },

    async export(selector, { budget }) {
      const found = await findEvents(log, [selector]);
      const items = log.all().filter((event) => found.has(event));
      budget.spend(0, JSON.stringify(items).length);
      return { items };
    },
  };
}

/** Removes the events that any of the selectors selects. */
export async function removeEvents(
  log: Pick<EventLog, "all" | "remove">,
  selectors: readonly DataSelector[],
): Promise<number> {
  const found = await findEvents(log, selectors);
  return log.remove((event) => found.has(event));
}

/** With the events about a request, such as that of its capture, that name neither its key nor its subject. */
async function findEvents(
  log: Pick<EventLog, "all">,
  selectors: readonly DataSelector[],
): Promise<ReadonlySet<TelemetryEvent>> {
  const events = log.all();
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
async function toPrincipalId(label: string): Promise<string> {
  if (label.startsWith("worker:")) return workerId(label.slice("worker:".length));
  return label.replace(/^key:/, "");
}

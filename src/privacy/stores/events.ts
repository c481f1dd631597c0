import type { DataSelector } from "../../domain/data-selector.ts";
import type { EventLog } from "../../domain/event-log.ts";
import { eventsOf } from "../../domain/event-owners.ts";
import type { PersonalDataStore } from "../personal-data-store.ts";

/** The last events of this isolate. They hold no input and no output. */
export function createEventsData(log: Pick<EventLog, "all" | "remove">): PersonalDataStore {
  return {
    name: "events",

    async erase(selector) {
      return { erased: await removeEvents(log, [selector]) };
    },

    async export(selector, { budget }) {
      const found = await eventsOf(log.all(), [selector]);
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
  const found = await eventsOf(log.all(), selectors);
  return log.remove((event) => found.has(event));
}

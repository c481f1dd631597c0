import type { DataSelector } from "../../domain/data-selector.ts";
import type { TelemetryEvent } from "../../domain/event.ts";
import { eventsOf } from "../../domain/event-owners.ts";
import type { RecentEvents } from "../../domain/monitoring/monitoring.ts";

const MAX_EVENTS = 512;
const MAX_CHARACTERS = 2 * 1024 * 1024;
/** After its last question a reader is taken to follow for this long. */
const WATCHED_MS = 15_000;

interface Kept {
  readonly event: TelemetryEvent;
  readonly size: number;
  /** Its place among all events that came. */
  readonly place: number;
}

export type RecentEventLog = ReturnType<typeof createRecentEventLog>;

/** The last events of a shard, in memory: they are there to be watched, and end with the object. */
export function createRecentEventLog(now: () => number, epoch = crypto.randomUUID().slice(0, 8)) {
  let kept: Kept[] = [];
  let place = 0;
  /** Events that senders have left out. */
  let missed = 0;
  let size = 0;
  let watchedAt = Number.NEGATIVE_INFINITY;

  return {
    get isWatched(): boolean {
      return now() - watchedAt < WATCHED_MS;
    },

    add(events: readonly TelemetryEvent[], alsoMissed: number): void {
      for (const event of events) {
        const characters = JSON.stringify(event).length;
        kept.push({ event, size: characters, place: place++ });
        size += characters;
      }
      missed += alsoMissed;
      while (kept.length > MAX_EVENTS || (size > MAX_CHARACTERS && kept.length > 0))
        size -= kept.shift()?.size ?? 0;
    },

    read(after?: string): RecentEvents {
      const [ofEpoch, from, missedBefore] = parse(after);
      if (after !== undefined) watchedAt = now();
      const isKnown = ofEpoch === epoch;
      const next = isKnown ? from : 0;
      const found = kept.filter((each) => each.place >= next);
      const oldest = kept[0]?.place ?? place;
      return {
        events: found.map(({ event }) => event),
        cursor: `${epoch}.${place}.${missed}`,
        missed: isKnown ? missed - missedBefore + Math.max(0, oldest - next) : 0,
      };
    },

    all: () => kept.map(({ event }) => event),

    /** Removes what belongs to the owner that is selected; returns how many. */
    async remove(selectors: readonly DataSelector[]): Promise<number> {
      const found = await eventsOf(
        kept.map(({ event }) => event),
        selectors,
      );
      const before = kept.length;
      kept = kept.filter(({ event }) => !found.has(event));
      size = kept.reduce((sum, each) => sum + each.size, 0);
      return before - kept.length;
    },
  };
}

function parse(cursor = ""): [string | undefined, number, number] {
  const [epoch, place, missed] = cursor.split(".");
  return [epoch, Number(place) || 0, Number(missed) || 0];
}

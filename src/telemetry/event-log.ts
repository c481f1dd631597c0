import { ApiError } from "../domain/errors.ts";
import { EVENT_SCHEMA_VERSION, type TelemetryEvent } from "../domain/event.ts";
import type { EventLog, ReadEvents } from "../domain/event-log.ts";
import type { EventSink } from "../domain/ports.ts";

export interface EventLogOptions {
  /** Events that are kept, and those that may wait for one reader. */
  readonly capacity?: number;
  /** Readers that follow at the same time. */
  readonly maxFollowers?: number;
}

/** Of one reader: events that it has not read yet. */
interface Follower {
  readonly accepts: ReadEvents["accepts"];
  readonly waiting: TelemetryEvent[];
  dropped: number;
  /** Ends the wait for the next event. */
  wake: () => void;
}

const CAPACITY = 256;
const MAX_FOLLOWERS = 16;
const RETRY_AFTER_SECONDS = 10;

/** Keeps the last events in memory, and passes new ones on to readers. */
export function createEventLog({
  capacity = CAPACITY,
  maxFollowers = MAX_FOLLOWERS,
}: EventLogOptions = {}): EventSink & EventLog {
  const last: TelemetryEvent[] = [];
  const followers = new Set<Follower>();

  function offer(follower: Follower, event: TelemetryEvent): void {
    if (!follower.accepts(event)) return;
    follower.waiting.push(event);
    if (follower.waiting.length > capacity) {
      follower.waiting.shift();
      follower.dropped += 1;
    }
    follower.wake();
  }

  /** Follows from its first read on: nothing remains of a reader that never reads. */
  function follow(
    accepts: ReadEvents["accepts"],
  ): AsyncIterableIterator<TelemetryEvent, undefined> {
    const follower: Follower = { accepts, waiting: [], dropped: 0, wake: () => undefined };
    let hasBegun = false;
    const begin = (): void => {
      if (!hasBegun) {
        follower.waiting.push(...last.filter(accepts));
        followers.add(follower);
      }
      hasBegun = true;
    };
    return {
      // Not a generator: one that waits could not be ended.
      async next() {
        begin();
        while (followers.has(follower)) {
          if (follower.dropped > 0) {
            const { dropped } = follower;
            follower.dropped = 0;
            return { done: false, value: droppedNotice(dropped) };
          }
          const event = follower.waiting.shift();
          if (event) return { done: false, value: event };
          await new Promise<void>((resolve) => {
            follower.wake = resolve;
          });
        }
        return { done: true, value: undefined };
      },
      async return() {
        hasBegun = true;
        followers.delete(follower);
        follower.wake();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  function remove(events: TelemetryEvent[], isRemoved: (event: TelemetryEvent) => boolean): void {
    const kept = events.filter((event) => !isRemoved(event));
    events.splice(0, events.length, ...kept);
  }

  return {
    all: () => [...last],
    remove(isRemoved) {
      const before = last.length;
      remove(last, isRemoved);
      for (const { waiting } of followers) remove(waiting, isRemoved);
      return before - last.length;
    },
    emit(event) {
      // Its fields are never changed after this, so a copy of the outermost object is enough.
      const kept = { ...event };
      last.push(kept);
      if (last.length > capacity) last.shift();
      for (const follower of followers) offer(follower, kept);
    },
    read({ follow: follows, accepts }) {
      if (!follows) return toAsync(last.filter(accepts).values());
      if (followers.size >= maxFollowers)
        throw new ApiError(
          "overloaded",
          `${followers.size} readers follow the events of this isolate, the most that may. End one of them, or try again in ${RETRY_AFTER_SECONDS} s.`,
          { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } },
        );
      return follow(accepts);
    },
  };
}

function droppedNotice(count: number): TelemetryEvent {
  const events = count === 1 ? "1 event was" : `${count} events were`;
  return {
    event: "notice",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: new Date().toISOString(),
    message: `${events} dropped here, because this reader did not keep up.`,
  };
}

function toAsync(
  events: Iterator<TelemetryEvent, undefined>,
): AsyncIterableIterator<TelemetryEvent, undefined> {
  return {
    next: async () => events.next(),
    return: async () => ({ done: true, value: undefined }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

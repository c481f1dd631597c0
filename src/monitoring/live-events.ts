import { toApiError } from "../domain/errors.ts";
import { EVENT_SCHEMA_VERSION, type NoticeEvent, type TelemetryEvent } from "../domain/event.ts";
import type { EventLog, ReadEvents } from "../domain/event-log.ts";
import type { Answered, Monitoring, RecentEvents } from "../domain/monitoring/monitoring.ts";
import { sleep } from "../shared/sleep.ts";
import { within } from "../shared/within.ts";

export interface LiveEventsOptions {
  readonly pollMs?: number;
  readonly wait?: (milliseconds: number) => Promise<void>;
}

type Events = AsyncIterableIterator<TelemetryEvent, undefined>;

/** Between two questions to the collector. */
const POLL_MS = 2000;
/** For how long it is waited for. */
const ANSWER_MS = 5000;
/** Events that are known to have been read; an isolate and the collector have the same ones. */
const MAX_SEEN = 4096;

/** The events of all isolates: those of this one as they are emitted, those of others when they reach the collector. */
export function createLiveEvents(
  log: EventLog,
  monitoring: Pick<Monitoring, "events">,
  options: LiveEventsOptions = {},
): EventLog {
  return {
    all: log.all,
    remove: log.remove,
    read: (request) => readAll(log, monitoring, request, options),
  };
}

function readAll(
  log: EventLog,
  monitoring: Pick<Monitoring, "events">,
  request: ReadEvents,
  { pollMs = POLL_MS, wait = sleep }: LiveEventsOptions,
): Events {
  const local = log.read(request);
  const seen = new Set<string>();
  const waiting: TelemetryEvent[] = [];
  let cursor: string | undefined;
  let isReachable = true;
  let hasBegun = false;
  let hasEnded = false;
  let nextLocal: ReturnType<Events["next"]> | undefined;
  let nextPoll: Promise<void> | undefined;

  function isNew(event: TelemetryEvent): boolean {
    const key = keyOf(event);
    if (seen.has(key)) return false;
    seen.add(key);
    const [oldest] = seen;
    if (seen.size > MAX_SEEN && oldest !== undefined) seen.delete(oldest);
    return true;
  }

  async function poll(): Promise<TelemetryEvent[]> {
    const answer = await ask();
    if ("problem" in answer) {
      const notices = isReachable ? [notice(answer.problem)] : [];
      isReachable = false;
      return notices;
    }
    isReachable = answer.unreachable.length === 0;
    const { events, missed } = answer.value;
    const isFirst = cursor === undefined;
    cursor = answer.value.cursor;
    const found = events.filter((event) => request.accepts(event) && isNew(event));
    if (missed > 0 && !isFirst)
      found.push(notice(`${missed} events of other isolates are left out here.`));
    return found;
  }

  async function ask(): Promise<Answered<RecentEvents> | { readonly problem: string }> {
    try {
      const question = { model: request.model, ...(cursor !== undefined && { after: cursor }) };
      return await within(monitoring.events(question), ANSWER_MS);
    } catch (error) {
      const { code } = toApiError(error);
      return { problem: `The events of other isolates cannot be read (${code}).` };
    }
  }

  /** What there is now, by its time. */
  async function begin(): Promise<void> {
    hasBegun = true;
    const own = log.all().filter((event) => request.accepts(event) && isNew(event));
    const collected = await poll();
    waiting.push(...[...own, ...collected].sort(byTime));
  }

  async function follow(): Promise<void> {
    nextLocal ??= local.next();
    nextPoll ??= wait(pollMs).then(async () => void waiting.push(...(await poll())));
    const ofLocal = nextLocal.then(({ done, value }) => {
      nextLocal = undefined;
      if (done) hasEnded = true;
      // A notice of its own says what this reader has missed.
      else if (value.event === "notice" || isNew(value)) waiting.push(value);
    });
    const ofPoll = nextPoll.then(() => {
      nextPoll = undefined;
    });
    await Promise.race([ofLocal, ofPoll]);
  }

  return {
    async next() {
      if (!hasBegun) await begin();
      while (!hasEnded) {
        const event = waiting.shift();
        if (event) return { done: false, value: event };
        if (!request.follow) break;
        await follow();
      }
      return { done: true, value: undefined };
    },
    async return() {
      hasEnded = true;
      await local.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** What distinguishes an event from all others. */
function keyOf(event: TelemetryEvent): string {
  const { requestId, id } = event as { readonly requestId?: string; readonly id?: string };
  const ownId = requestId ?? id ?? (event.event === "notice" ? event.message : "");
  return `${event.event} ${event.time} ${ownId}`;
}

function byTime(one: TelemetryEvent, two: TelemetryEvent): number {
  if (one.time === two.time) return 0;
  return one.time < two.time ? -1 : 1;
}

function notice(message: string): NoticeEvent {
  const time = new Date().toISOString();
  return { event: "notice", schemaVersion: EVENT_SCHEMA_VERSION, time, message };
}

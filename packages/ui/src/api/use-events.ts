import { useContext, useEffect, useState } from "preact/hooks";
import type { TelemetryEvent } from "../../../../src/domain/event.ts";
import { readEventStream } from "./event-stream.ts";
import { type Query, RequestFailure, send } from "./request.ts";
import { SessionContext } from "./use-query.ts";

/** An event as it is shown: with a number of its own, because several have the same request. */
export interface ListedEvent {
  readonly number: number;
  readonly event: TelemetryEvent;
}

export interface Tail {
  /** The newest first. */
  readonly events: readonly ListedEvent[];
  readonly state: "connecting" | "live" | "paused" | "failed";
  readonly failure: RequestFailure | undefined;
  readonly clear: () => void;
}

const MAX_LISTED = 200;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 15_000;

/**
 * Follows the events that pass a filter. A connection that ends is begun again; the events that are there already are not listed twice.
 * @param key distinguishes filters
 */
export function useEvents(filter: Query, key: string, isPaused: boolean): Tail {
  const { onData, onEnd } = useContext(SessionContext);
  const [events, setEvents] = useState<readonly ListedEvent[]>([]);
  const [state, setState] = useState<Tail["state"]>("connecting");
  const [failure, setFailure] = useState<RequestFailure>();

  // Another filter has other events.
  useEffect(() => setEvents([]), [key]);

  // The key stands for the filter.
  useEffect(() => {
    if (isPaused) {
      setState("paused");
      return;
    }
    const controller = new AbortController();
    void follow(filter, controller.signal, {
      onOpen() {
        onData();
        setState("live");
        setFailure(undefined);
      },
      onEvents(added) {
        // What the filter before has let pass may come late.
        if (!controller.signal.aborted) setEvents((before) => addTo(before, added));
      },
      onFailure(error) {
        setState("failed");
        setFailure(error);
        if (error.endsSession) onEnd();
      },
    });
    setState("connecting");
    return () => controller.abort();
  }, [key, isPaused]);

  return { events, state, failure, clear: () => setEvents([]) };
}

interface Follower {
  readonly onOpen: () => void;
  readonly onEvents: (events: readonly TelemetryEvent[]) => void;
  readonly onFailure: (failure: RequestFailure) => void;
}

async function follow(filter: Query, signal: AbortSignal, follower: Follower): Promise<void> {
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      const query = { ...filter, follow: "true" };
      const { body } = await send("admin/events", { query, signal });
      follower.onOpen();
      retryMs = FIRST_RETRY_MS;
      if (body) await readEvents(body, follower.onEvents);
    } catch (error) {
      if (signal.aborted) return;
      const failure =
        error instanceof RequestFailure
          ? error
          : new RequestFailure(0, "unreachable", "The connection to the server was lost.");
      follower.onFailure(failure);
      if (failure.endsSession || failure.status === 403) return;
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
  }
}

/** Events that come together are shown together. */
async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvents: Follower["onEvents"],
): Promise<void> {
  let waiting: TelemetryEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pass = (): void => {
    timer = undefined;
    onEvents(waiting);
    waiting = [];
  };
  try {
    for await (const data of readEventStream(body)) {
      const event = parseEvent(data);
      if (event) waiting.push(event);
      timer ??= setTimeout(pass, 100);
    }
  } finally {
    clearTimeout(timer);
    if (waiting.length > 0) pass();
  }
}

function parseEvent(data: string): TelemetryEvent | undefined {
  try {
    return JSON.parse(data) as TelemetryEvent;
  } catch {
    return undefined;
  }
}

function addTo(
  before: readonly ListedEvent[],
  added: readonly TelemetryEvent[],
): readonly ListedEvent[] {
  const known = new Set(before.map(({ event }) => idOf(event)));
  let number = before[0]?.number ?? 0;
  const fresh = added
    .filter((event) => !known.has(idOf(event)))
    .map((event) => ({ number: ++number, event }));
  return [...fresh.toReversed(), ...before].slice(0, MAX_LISTED);
}

function idOf(event: TelemetryEvent): string {
  const id = "requestId" in event ? event.requestId : undefined;
  return `${event.event} ${event.time} ${id ?? JSON.stringify(event)}`;
}

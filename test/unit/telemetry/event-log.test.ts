import { describe, expect, test } from "vitest";
import type { TelemetryEvent } from "../../../src/domain/event.ts";
import { createEventLog } from "../../../src/telemetry/event-log.ts";
import { PREDICTION, PURGE, testEventSink } from "../../contracts/event-sink.ts";
import { catchApiError } from "../../support/errors.ts";

const ALL = { follow: false, accepts: () => true };
const FOLLOW = { ...ALL, follow: true };

function request(requestId: string): TelemetryEvent {
  return { ...PREDICTION, requestId };
}

/** The ids of events, or the messages of notices. */
function idOf(event: TelemetryEvent | undefined): string | undefined {
  if (event?.event === "notice") return event.message;
  return (event as { requestId?: string } | undefined)?.requestId;
}

async function readIds(events: AsyncIterable<TelemetryEvent>): Promise<(string | undefined)[]> {
  return (await Array.fromAsync(events)).map(idOf);
}

describe("the sink that keeps the last events", () => {
  testEventSink(() => {
    const log = createEventLog();
    const recorded = (): TelemetryEvent[] => {
      const kept: TelemetryEvent[] = [];
      log.read({ follow: false, accepts: (event) => kept.push(event) > 0 });
      return kept;
    };
    return { sink: log, recorded };
  });

  test("returns them, oldest first, as many as it keeps", async () => {
    const log = createEventLog({ capacity: 3 });
    for (const id of ["a", "b", "c", "d"]) log.emit(request(id));
    expect(await readIds(log.read(ALL))).toEqual(["b", "c", "d"]);
    expect(await readIds(log.read(ALL))).toEqual(["b", "c", "d"]);
  });

  test("returns those that a reader accepts, also of the ones that follow", async () => {
    const log = createEventLog();
    const accepts = (event: TelemetryEvent): boolean => event.event === "purge";
    for (const event of [request("a"), PURGE, request("b")]) log.emit(event);
    expect(await Array.fromAsync(log.read({ follow: false, accepts }))).toEqual([PURGE]);
    const events = log.read({ follow: true, accepts });
    await events.next();
    const later = events.next();
    log.emit(request("c"));
    log.emit({ ...PURGE, requestId: "later" });
    expect(idOf((await later).value)).toBe("later");
  });
});

describe("a reader that follows", () => {
  test("gets the last events, and then each new one", async () => {
    const log = createEventLog();
    log.emit(request("a"));
    const events = log.read(FOLLOW);
    expect(idOf((await events.next()).value)).toBe("a");
    const next = events.next();
    log.emit(request("b"));
    log.emit(request("c"));
    expect(idOf((await next).value)).toBe("b");
    expect(idOf((await events.next()).value)).toBe("c");
  });

  test("that leaves while it waits gets nothing more, and nothing remains of it", async () => {
    const log = createEventLog({ maxFollowers: 1 });
    const events = log.read(FOLLOW);
    const next = events.next();
    await events.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    log.emit(request("a"));
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(await readIds(log.read(ALL))).toEqual(["a"]);
    expect(idOf((await log.read(FOLLOW).next()).value)).toBe("a");
    const unread = createEventLog().read(FOLLOW);
    await unread.return?.();
    expect(await unread.next()).toEqual({ done: true, value: undefined });
  });

  test("that does not keep up misses the oldest, and gets a notice first", async () => {
    const log = createEventLog({ capacity: 2 });
    const events = log.read(FOLLOW);
    log.emit(request("begin"));
    await events.next();
    for (const id of ["a", "b", "c", "d", "e"]) log.emit(request(id));
    const read: (string | undefined)[] = [];
    for (let count = 0; count < 3; count++) read.push(idOf((await events.next()).value));
    expect(read).toEqual([expect.stringMatching(/^3 events were dropped/), "d", "e"]);
    for (const id of ["f", "g", "h"]) log.emit(request(id));
    expect(idOf((await events.next()).value)).toMatch(/^1 event was dropped/);
    expect(idOf((await events.next()).value)).toBe("g");
  });

  test("is refused when as many follow as may; one that never reads does not count", async () => {
    const log = createEventLog({ maxFollowers: 2 });
    log.emit(request("a"));
    for (let count = 0; count < 3; count++) log.read(FOLLOW);
    for (let count = 0; count < 2; count++) await log.read(FOLLOW).next();
    const error = catchApiError("overloaded", () => log.read(FOLLOW));
    expect(error.details).toEqual({ retryAfterSeconds: 10 });
    log.read(ALL);
  });
});

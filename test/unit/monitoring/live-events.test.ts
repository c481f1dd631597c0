import { describe, expect, it } from "vitest";
import type { TelemetryEvent } from "../../../src/domain/event.ts";
import type { EventLog } from "../../../src/domain/event-log.ts";
import type { RecentEvents } from "../../../src/domain/monitoring/monitoring.ts";
import { createLiveEvents } from "../../../src/monitoring/live-events.ts";
import { createEventLog } from "../../../src/telemetry/event-log.ts";
import { requestEvent } from "../../support/events.ts";

const at = (second: number, fields: object = {}) =>
  requestEvent({ time: `2026-11-30T12:00:${String(second).padStart(2, "0")}.000Z`, ...fields });

/** A collector whose answers are given, one after the other; then nothing new. */
function collecting(...answers: (Partial<RecentEvents> | Error)[]) {
  const asked: object[] = [];
  return {
    asked,
    async events(request: object = {}) {
      asked.push(request);
      const answer = answers.shift() ?? {};
      if (answer instanceof Error) throw answer;
      const value = { events: [], cursor: `cursor ${asked.length}`, missed: 0, ...answer };
      return { value, unreachable: [] };
    },
  };
}

async function readAll(log: EventLog, options: { model?: string } = {}): Promise<TelemetryEvent[]> {
  const events: TelemetryEvent[] = [];
  for await (const event of log.read({ follow: false, accepts: () => true, ...options }))
    events.push(event);
  return events;
}

describe("the events of all isolates", () => {
  it("are those of this one and those of others, by their time, each once", async () => {
    const log = createEventLog();
    const [one, two, three] = [at(1), at(2), at(3)];
    for (const event of [one, three]) log.emit(event);
    const collector = collecting({ events: [one, two] });
    expect(await readAll(createLiveEvents(log, collector), { model: "iris" })).toEqual([
      one,
      two,
      three,
    ]);
    expect(collector.asked).toEqual([{ model: "iris" }]);
  });

  it("are two where two alerts fire at the same time", async () => {
    const alert = (id: string) => ({ event: "alert", time: "2026-11-30T12:00:00.000Z", id });
    const events = [alert("one"), alert("two")] as never[];
    const live = createLiveEvents(createEventLog(), collecting({ events: [...events, ...events] }));
    expect(await readAll(live)).toEqual(events);
  });

  it("are those of this one, and a notice, where the collector is out of reach", async () => {
    const log = createEventLog();
    log.emit(at(1));
    const events = await readAll(createLiveEvents(log, collecting(new Error("gone"))));
    expect(events).toEqual([
      expect.objectContaining({ event: "request" }),
      expect.objectContaining({
        event: "notice",
        message: expect.stringMatching(/other isolates cannot be read/),
      }),
    ]);
  });

  it("are followed in both, and what was left out is told", async () => {
    const log = createEventLog();
    const collector = collecting(
      {},
      { events: [at(4), at(5, { status: 500 })], missed: 7 },
      new Error("gone"),
      new Error("gone"),
      { events: [at(9)] },
    );
    const polls: (() => void)[] = [];
    const live = createLiveEvents(log, collector, {
      wait: () => new Promise((resolve) => polls.push(resolve)),
    });
    const reader = live.read({
      follow: true,
      accepts: (event) => event.event !== "request" || event.status === 200,
    });
    const poll = (): void => polls.shift()?.();
    const next = async () => (await reader.next()).value;
    const first = next();
    await new Promise(setImmediate);
    log.emit(at(3));
    expect(await first).toMatchObject({ time: at(3).time });
    const second = next();
    await new Promise(setImmediate);
    poll();
    expect(await second).toMatchObject({ time: at(4).time });
    expect(await next()).toMatchObject({
      message: "7 events of other isolates are left out here.",
    });
    expect(collector.asked.at(-1)).toEqual({ model: undefined, after: "cursor 1" });
    const outage = next();
    await new Promise(setImmediate);
    poll();
    expect(await outage).toMatchObject({ event: "notice" });
    const after = next();
    for (let polled = 0; polled < 2; polled++) {
      await new Promise(setImmediate);
      poll();
    }
    expect(await after).toMatchObject({ time: at(9).time });
    const last = reader.next();
    await reader.return?.();
    expect(await last).toEqual({ done: true, value: undefined });
  });
});

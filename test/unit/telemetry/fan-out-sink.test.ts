import { describe, expect, test } from "vitest";
import type { TelemetryEvent } from "../../../src/domain/event.ts";
import type { EventSink } from "../../../src/domain/ports.ts";
import { createFanOutSink } from "../../../src/telemetry/fan-out-sink.ts";
import { createConsoleSink } from "../../../src/telemetry/sinks/console-sink.ts";
import { HIT, PREDICTION, PURGE, testEventSink } from "../../contracts/event-sink.ts";

const broken: EventSink = {
  emit() {
    throw new Error("the disk is full");
  },
};

function createRecorder(name: string, calls: string[]): EventSink {
  return { emit: ({ event }) => void calls.push(`${name} ${event}`) };
}

describe("a fan-out sink", () => {
  testEventSink(() => {
    const lines: string[] = [];
    const sink = createConsoleSink((line) => void lines.push(line));
    return { sink: createFanOutSink(sink), recorded: () => lines };
  });

  test("gives each event to every sink, in their order", () => {
    const calls: string[] = [];
    const sink = createFanOutSink(createRecorder("a", calls), createRecorder("b", calls));
    sink.emit(PREDICTION);
    sink.emit(PURGE);
    expect(calls).toEqual(["a request", "b request", "a purge", "b purge"]);
  });

  test("gives on the event itself", () => {
    const events: TelemetryEvent[] = [];
    createFanOutSink({ emit: (event) => void events.push(event) }).emit(HIT);
    expect(events[0]).toBe(HIT);
  });

  test("does not throw, and reaches the others, when a sink throws", () => {
    const calls: string[] = [];
    const [a, b] = [createRecorder("a", calls), createRecorder("b", calls)];
    const sink = createFanOutSink(broken, a, broken, b, broken);
    for (const event of [PREDICTION, PURGE]) expect(sink.emit(event)).toBeUndefined();
    expect(calls).toEqual(["a request", "b request", "a purge", "b purge"]);
  });

  test("without sinks takes events", () => {
    expect(createFanOutSink().emit(PREDICTION)).toBeUndefined();
  });
});

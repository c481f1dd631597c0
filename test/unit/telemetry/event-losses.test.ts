import { expect, test } from "vitest";
import type { NoticeEvent } from "../../../src/domain/event.ts";
import { countLosses, createEventLosses } from "../../../src/telemetry/event-losses.ts";
import { PREDICTION } from "../../contracts/event-sink.ts";

function create() {
  const notices: NoticeEvent[] = [];
  let time = Date.parse("2026-11-30T00:00:00Z");
  const losses = createEventLosses({
    onNotice: (notice) => void notices.push(notice),
    now: () => time,
  });
  return {
    losses,
    messages: () => notices.map(({ message }) => message),
    pass: (ms: number) => {
      time += ms;
    },
  };
}

test("what a sink throws is counted as a lost event, and not thrown", () => {
  const { losses, messages } = create();
  const broken = {
    emit() {
      throw new TypeError("the disk is full");
    },
  };
  const sink = countLosses(broken, "sink_disk", losses);
  expect(sink.emit(PREDICTION)).toBeUndefined();
  sink.emit(PREDICTION);
  expect(losses.total()).toEqual({ sink_disk: 2 });
  expect(messages()).toEqual(["1 event was lost at sink_disk: TypeError: the disk is full"]);
});

test("losses are taken once", () => {
  const { losses } = create();
  expect(losses.take()).toBeUndefined();
  losses.count("a", 2);
  losses.count("b", 1);
  expect(losses.take()).toEqual({ a: 2, b: 1 });
  losses.count("a", 3);
  expect(losses.take()).toEqual({ a: 3 });
  expect(losses.take()).toBeUndefined();
  expect(losses.total()).toEqual({ a: 5, b: 1 });
});

test("a place that goes on losing events is noticed once a minute, with their number", () => {
  const { losses, messages, pass } = create();
  losses.count("a", 1, "gone");
  pass(59_999);
  losses.count("a", 2, "gone");
  expect(messages()).toHaveLength(1);
  losses.count("b", 1);
  expect(messages()).toHaveLength(2);
  pass(1);
  losses.count("a", 1, new Error("x".repeat(1000)));
  expect(messages()[2]).toBe(`3 events were lost at a: Error: ${"x".repeat(193)}...`);
});

test("a notice that is lost itself is no reason for another one", () => {
  const losses = createEventLosses({ onNotice: () => losses.count("a", 1), now: () => 0 });
  losses.count("a", 1);
  expect(losses.total()).toEqual({ a: 2 });
});

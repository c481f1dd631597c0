import { expect, test } from "vitest";
import type { TelemetryEvent } from "../../../src/domain/event.ts";
import { createScrubber } from "../../../src/shared/scrub-secrets.ts";
import { createScrubbingSink } from "../../../src/telemetry/scrubbing-sink.ts";

const SECRET = "the-secret-of-the-service";
const REQUEST = {
  event: "request",
  schemaVersion: 3,
  time: "2026-11-30T00:00:00.000Z",
  requestId: "a",
  method: "POST",
  route: "/v2/models/:model/infer",
  status: 200,
  bytesIn: 0,
  bytesOut: 0,
  totalMs: 0,
  phasesMs: {},
  clock: "advancing",
} as const satisfies TelemetryEvent;

function emitted(event: TelemetryEvent): TelemetryEvent | undefined {
  const events: TelemetryEvent[] = [];
  const sink = { emit: (each: TelemetryEvent) => void events.push(each) };
  createScrubbingSink(sink, createScrubber([SECRET], { findsCut: true })).emit(event);
  return events.at(-1);
}

test("the event of a request without texts of others is passed on as it is", () => {
  expect(emitted(REQUEST)).toBe(REQUEST);
});

test.each<[string, TelemetryEvent]>([
  ["a cause", { ...REQUEST, errorMessage: "failed", errorCause: `Error: ${SECRET}\n  at a` }],
  [
    "a failure of a tier",
    {
      ...REQUEST,
      cache: {
        outcome: "miss",
        stored: false,
        collapsed: false,
        failures: [{ tier: "kv", problem: `no ${SECRET}` }],
      },
    },
  ],
  ["a notice", { event: "notice", schemaVersion: 3, time: "", message: `bad ${SECRET}` }],
])("%s with a secret is passed on without it", (_, event) => {
  const text = JSON.stringify(emitted(event));
  expect(text).not.toContain(SECRET);
  expect(text).toBe(JSON.stringify(event).replace(SECRET, "[secret]"));
});

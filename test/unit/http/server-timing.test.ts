import { describe, expect, test } from "vitest";
import { PHASES, Trace, toMicroseconds } from "../../../src/domain/trace.ts";
import { respond } from "../../../src/http/respond.ts";
import { toServerTiming } from "../../../src/http/server-timing.ts";
import { createHttpApp } from "../../support/http-app.ts";

function traceOf(totalMs: number, phasesMs: Trace["phasesMs"]): Trace {
  const trace = new Trace();
  trace.totalMs = totalMs;
  Object.assign(trace.phasesMs, phasesMs);
  return trace;
}

describe("the header", () => {
  test("has the phases that there were, in the order in which they happen, and the total", () => {
    const trace = traceOf(12.5, { infer: 4, body: 0.25, resolve: 0 });
    expect(toServerTiming(trace)).toBe("body;dur=0.25, resolve;dur=0, infer;dur=4, total;dur=12.5");
  });

  test("has the total alone when nothing was measured", () => {
    expect(toServerTiming(traceOf(0, {}))).toBe("total;dur=0");
  });

  test("has every phase", () => {
    const all = Object.fromEntries(PHASES.map((phase, index) => [phase, index]));
    const names = toServerTiming(traceOf(1, all))
      .split(", ")
      .map((metric) => metric.split(";")[0]);
    expect(names).toEqual([...PHASES, "total"]);
  });

  test("is sent with a response, and agrees with the event", async () => {
    const app = createHttpApp();
    app.routes.get("/", (c) => {
      c.get("trace").phasesMs.parse = 1.23456;
      return respond(c, "{}");
    });
    const header = (await app.request("/")).headers.get("server-timing");
    const [event] = app.events;
    expect(event?.phasesMs).toEqual({ parse: 1.235 });
    expect(header).toBe(`parse;dur=1.235, total;dur=${event?.totalMs}`);
  });
});

test.each([
  [1.23456, 1.235],
  [0.0004, 0],
  [0.0005, 0.001],
  [1000, 1000],
  [0.1 + 0.2, 0.3],
])("%d ms are %d, to the microsecond", (milliseconds, rounded) => {
  expect(toMicroseconds(milliseconds)).toBe(rounded);
});

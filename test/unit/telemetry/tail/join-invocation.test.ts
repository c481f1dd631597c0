import { describe, expect, test } from "vitest";
import { EVENT_DEFINITIONS } from "../../../../src/domain/event/registry.ts";
import type { RequestEvent } from "../../../../src/domain/event.ts";
import { joinInvocation } from "../../../../src/telemetry/tail/join-invocation.ts";
import type { TracedInvocation } from "../../../../src/telemetry/tail/trace-item.ts";
import { EVENTS, PREDICTION, UNMATCHED } from "../../../contracts/event-sink.ts";

const REQUEST_ID = "0f8fad5b-d9cb-469f-a165-70867728950e";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

function toItem(changes: Partial<TracedInvocation> = {}): TracedInvocation {
  return {
    event: {
      request: { method: "POST", url: "https://example.com/models/iris", headers: {} },
      response: { status: 200 },
    },
    eventTimestamp: Date.parse("2026-11-30T21:39:15.365Z"),
    logs: [],
    exceptions: [],
    outcome: "ok",
    executionModel: "stateless",
    truncated: false,
    cpuTime: 12,
    wallTime: 345,
    ...changes,
  };
}

const log = (...message: unknown[]) => ({ level: "log", message });
const logOf = (event: object) => log(JSON.stringify(event));

/** As the platform has it of a request to a path. */
function fetched(path: string, headers: Record<string, unknown> = {}) {
  return { request: { method: "POST", url: `https://example.com${path}`, headers } };
}

test("a request has what the platform says of its invocation, and the invocation what the request was", () => {
  const event: RequestEvent = { ...PREDICTION, traceId: TRACE };
  const { events, invocation, skipped } = joinInvocation(toItem({ logs: [logOf(event)] }));
  const platform = { outcome: "ok", cpuMs: 12, wallMs: 345 };
  expect(events).toEqual([{ ...event, platform }]);
  expect(skipped).toEqual([]);
  expect(invocation).toEqual({
    event: "invocation",
    schemaVersion: 3,
    time: "2026-11-30T21:39:15.365Z",
    ...platform,
    trigger: "fetch",
    isLost: false,
    requests: 1,
    requestId: event.requestId,
    traceId: TRACE,
    model: "iris",
    version: "1",
    status: 200,
  });
});

test("events of all kinds are passed on, in their order", () => {
  const all = EVENTS.map(([, event]) => event);
  const { events, skipped } = joinInvocation(toItem({ logs: all.map(logOf) }));
  expect(skipped).toEqual([]);
  expect(events.map(({ event }) => event)).toEqual(all.map(({ event }) => event));
});

test("an invocation of several requests has their model if it is one, and none otherwise", () => {
  const same = joinInvocation(toItem({ logs: [logOf(PREDICTION), logOf(PREDICTION)] }));
  expect(same.invocation).toMatchObject({ requests: 2, model: "iris", version: "1" });
  const other = { ...PREDICTION, version: "2" };
  const { invocation } = joinInvocation(toItem({ logs: [logOf(PREDICTION), logOf(other)] }));
  expect(invocation).toMatchObject({ requests: 2 });
  expect(invocation).not.toHaveProperty("model");
});

describe("an invocation without the event of a request", () => {
  test.each(["exception", "exceededCpu", "exceededMemory", "canceled", "somethingNew"])(
    "is lost when it ended %s",
    (outcome) => {
      const { invocation } = joinInvocation(toItem({ outcome }));
      expect(invocation).toMatchObject({ outcome, isLost: true, requests: 0 });
      expect(EVENT_DEFINITIONS.invocation.schema.parse(invocation)).toEqual(invocation);
    },
  );

  test("is not lost when it ended ok: it may be sampled out, or be no request of the service", () => {
    expect(joinInvocation(toItem()).invocation.isLost).toBe(false);
  });

  test("has the ids and the model that its client named, and nothing else of it", () => {
    const headers = {
      "x-request-id": REQUEST_ID,
      traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
      authorization: "REDACTED",
    };
    const event = fetched("/v2/models/iris/infer?key=secret", headers);
    const { invocation } = joinInvocation(toItem({ event, outcome: "exceededMemory" }));
    expect(invocation).toMatchObject({
      requestId: REQUEST_ID,
      traceId: TRACE,
      parentSpanId: "00f067aa0ba902b7",
      requestedModel: "iris",
    });
    expect(JSON.stringify(invocation)).not.toMatch(/secret|REDACTED|infer/);
  });

  test.each([
    ["/models/iris", "iris"],
    ["/models/iris@canary", "iris"],
    ["/models/iris/versions/3", "iris"],
    ["/ai/v1/models/iris:predict", "iris"],
    ["/v2/repository/models/iris/load", "iris"],
    ["/models/", undefined],
    ["/v1/chat/completions", undefined],
    ["/models/NotAName", undefined],
    ["/models/of_live_0123456789abcdefghijkl", undefined],
    ["/models/sk-0123456789abcdefghijklmnop", undefined],
    [`/models/${"x".repeat(64)}`, undefined],
    ["/?path=/models/iris", undefined],
  ])("of %s is of the model %s", (path, model) => {
    const { invocation } = joinInvocation(toItem({ event: fetched(path), outcome: "exception" }));
    expect(invocation.requestedModel).toBe(model);
  });

  test.each(["my-secret-id", "", 7, undefined, ["a"]])("has no request id for %j", (id) => {
    const event = fetched("/", { "x-request-id": id, traceparent: "nothing" });
    const { invocation } = joinInvocation(toItem({ event, outcome: "exception" }));
    expect(invocation).toMatchObject({ requestId: undefined, traceId: undefined });
  });
});

test("exceptions are the first four, cut and without secrets", () => {
  const exceptions = Array.from({ length: 6 }, (_, index) => ({
    name: "N".repeat(200),
    message: `${index} of_live_0123456789abcdefghijkl ${"m".repeat(1000)}`,
  }));
  const { invocation } = joinInvocation(toItem({ exceptions, outcome: "exception" }));
  expect(invocation.exceptions).toHaveLength(4);
  expect(invocation.exceptions?.[0]?.name).toBe("N".repeat(64));
  expect(invocation.exceptions?.[0]?.message).toMatch(/^0 \[secret\] m+$/);
  expect(invocation.exceptions?.[0]?.message).toHaveLength(500);
});

test.each([
  [{ rpcMethod: "predict" }, "rpc"],
  [{ scheduledTime: 1, cron: "17 3 * * *" }, "scheduled"],
  [{ scheduledTime: new Date(0) }, "alarm"],
  [{ queue: "work", batchSize: 1 }, "queue"],
  [{ consumedEvents: [] }, "other"],
  [null, "other"],
])("the trigger of %j is %s", (event, trigger) => {
  expect(joinInvocation(toItem({ event })).invocation.trigger).toBe(trigger);
});

describe("a line", () => {
  test.each([
    ["a text", []],
    ["", []],
    ["[1]", []],
    ['"text"', []],
    ['{"level":"info"}', []],
    ['{"event":7}', []],
    ["{", ["not_json"]],
    ["{not JSON}", ["not_json"]],
    [`{"a":"${"x".repeat(140_000)}"}`, ["too_long"]],
    [`${"{".repeat(130_000)}`, ["not_json"]],
    [`{"event":${"[".repeat(60_000)}`, ["not_json"]],
    ['{"event":"nothing"}', ["unknown_event"]],
    ['{"event":"toString"}', ["unknown_event"]],
    ['{"event":"__proto__"}', ["unknown_event"]],
    ['{"event":"request"}', ["unknown_version"]],
    [JSON.stringify({ ...UNMATCHED, schemaVersion: 99 }), ["unknown_version"]],
    [JSON.stringify({ ...UNMATCHED, schemaVersion: "3" }), ["unknown_version"]],
    [JSON.stringify({ ...UNMATCHED, status: "404" }), ["invalid"]],
    [JSON.stringify({ ...UNMATCHED, time: "yesterday" }), ["invalid"]],
    [JSON.stringify({ ...UNMATCHED, traceId: "no" }), ["invalid"]],
    [JSON.stringify({ ...UNMATCHED, phasesMs: { infer: -1 } }), ["invalid"]],
    [JSON.stringify({ ...UNMATCHED, requestId: undefined }), ["invalid"]],
  ])("%.80s is skipped as %j, and the event beside it is not", (line, reasons) => {
    const { events, skipped } = joinInvocation(toItem({ logs: [log(line), logOf(UNMATCHED)] }));
    expect(skipped).toEqual(reasons);
    expect(events).toHaveLength(1);
  });

  test("of another level, or of several arguments, is none of the Worker's", () => {
    const logs = [
      { level: "error", message: [JSON.stringify(UNMATCHED)] },
      log(JSON.stringify(UNMATCHED), "more"),
      log(UNMATCHED),
      log(),
      { level: "log", message: JSON.stringify(UNMATCHED) },
      { level: "log", message: undefined },
    ];
    expect(joinInvocation(toItem({ logs }))).toMatchObject({ events: [], skipped: [] });
  });

  test("may have fields that a newer Worker has added", () => {
    const newer = { ...PREDICTION, added: 1, cache: { ...PREDICTION.cache, added: 1 } };
    const { events, skipped } = joinInvocation(toItem({ logs: [logOf(newer)] }));
    expect([events.length, skipped]).toEqual([1, []]);
    const broken = { ...newer, bytesIn: "1" };
    expect(joinInvocation(toItem({ logs: [logOf(broken)] })).skipped).toEqual(["invalid"]);
  });
});

test("a log that the platform has cut is counted, and so are events beyond 256", () => {
  expect(joinInvocation(toItem({ truncated: true })).skipped).toEqual(["truncated"]);
  const logs = Array.from({ length: 300 }, () => logOf(UNMATCHED));
  const { events, skipped } = joinInvocation(toItem({ logs }));
  expect(events).toHaveLength(256);
  expect(skipped).toEqual(Array(44).fill("truncated"));
});

test.each([
  [Number.NaN, 0],
  [-1, 0],
  [Number.POSITIVE_INFINITY, 0],
  ["12" as unknown as number, 0],
  [1.5, 1.5],
])("a time of %j is %d ms", (time, ms) => {
  const { invocation } = joinInvocation(toItem({ cpuTime: time, wallTime: time }));
  expect([invocation.cpuMs, invocation.wallMs]).toEqual([ms, ms]);
});

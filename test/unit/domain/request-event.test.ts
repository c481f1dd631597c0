import { expect, test } from "vitest";
import { createClockWatch } from "../../../src/domain/clock-watch.ts";
import { type EndedRequest, toRequestEvent } from "../../../src/domain/request-event.ts";
import { RequestStatistics } from "../../../src/domain/statistics/request-statistics.ts";
import { measureQueue, Trace } from "../../../src/domain/trace.ts";
import { findModel } from "../../support/publish.ts";

function ended(trace: Trace, changes: Partial<EndedRequest> = {}): EndedRequest {
  return {
    time: 0,
    requestId: "a",
    method: "POST",
    route: "/v2/models/:model/infer",
    operation: { id: "infer", kind: "inference" },
    status: 200,
    thrown: undefined,
    trace,
    ...changes,
  };
}

test("a request that no model was asked for has no figures of models", () => {
  const event = toRequestEvent(ended(new Trace()), createClockWatch());
  const known = Object.entries(event).filter(([, value]) => value !== undefined);
  for (const name of ["executions", "inferences", "heapBytes", "queueMs", "inputs", "outputs"])
    expect(known.map(([each]) => each)).not.toContain(name);
  expect(event.clock).toBe("advancing");
});

test("runs of the engine are counted, and set-up work of that phase is none", () => {
  const trace = new Trace();
  trace.model = "iris";
  expect(toRequestEvent(ended(trace)).executions).toBe(0);
  trace.measure("infer", () => undefined);
  trace.measure("infer", () => undefined, 0);
  trace.measure("parse", () => undefined);
  expect(() =>
    trace.measure("infer", () => {
      throw new Error("of the engine");
    }),
  ).toThrow();
  expect(toRequestEvent(ended(trace)).executions).toBe(2);
});

test("waits in queues add up, also one that ends with an error", async () => {
  let now = 0;
  const trace = new Trace(() => now);
  const wait = (ms: number, error?: Error) =>
    Promise.resolve().then(() => {
      now += ms;
      if (error) throw error;
    });
  expect(measureQueue(trace, undefined)).toBeUndefined();
  expect(trace.queueMs).toBe(0);
  await measureQueue(trace, wait(1.5));
  await expect(measureQueue(trace, wait(2, new Error("left")))).rejects.toThrow("left");
  expect(toRequestEvent(ended(trace)).queueMs).toBe(3.5);
});

test("statistics of an answer that was stored are those of the request that it answered", () => {
  const { manifest } = findModel("iris-logistic");
  const statistics = new RequestStatistics({ manifest });
  statistics.countRows(3);
  const trace = new Trace();
  trace.gathered = statistics.finish();
  expect(toRequestEvent(ended(trace))).toMatchObject({ inferences: 3 });
});

test("data center and country are those of the platform, and nothing else of it", () => {
  const origin = { colo: "FRA", country: "DE", city: "Berlin", clientTcpRtt: 3 };
  const event = toRequestEvent(ended(new Trace(), { origin }));
  expect(event).toMatchObject({ dataCenter: "FRA", country: "DE" });
  expect(JSON.stringify(event)).not.toContain("Berlin");
  const odd = toRequestEvent(ended(new Trace(), { origin: { colo: 1, country: null } }));
  expect([odd.dataCenter, odd.country]).toEqual([undefined, undefined]);
});

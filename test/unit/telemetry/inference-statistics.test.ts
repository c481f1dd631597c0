import { describe, expect, test } from "vitest";
import type { RequestEvent } from "../../../src/domain/event.ts";
import { createStatisticsSink } from "../../../src/telemetry/inference-statistics.ts";
import { testEventSink } from "../../contracts/event-sink.ts";

describe("the sink that counts inferences", () => {
  testEventSink(() => {
    const sink = createStatisticsSink();
    return { sink, recorded: () => sink.of("iris", "1") };
  });
});

const EVENT: RequestEvent = {
  event: "request",
  schemaVersion: 3,
  time: "2026-11-22T12:00:00.000Z",
  requestId: "r",
  method: "POST",
  route: "/v2/models/:model/infer",
  operation: "infer",
  operationKind: "inference",
  status: 200,
  model: "m",
  version: "1",
  bytesIn: 1,
  bytesOut: 1,
  totalMs: 10,
  phasesMs: { resolve: 1, load: 2, body: 1, decode: 1, infer: 4, serialize: 1 },
  clock: "advancing",
};
const CACHE = { stored: false, collapsed: false };

/** What includes cache hits and what does not: Triton's statistics extension. */
test("a cache hit counts as a success and in the queue, but not as an execution", () => {
  const sink = createStatisticsSink();
  sink.emit({ ...EVENT, cache: { ...CACHE, outcome: "miss" } });
  sink.emit({
    ...EVENT,
    totalMs: 3,
    phasesMs: { resolve: 1, cache: 1, body: 1 },
    cache: { ...CACHE, outcome: "hit" },
  });
  expect(sink.of("m", "1")).toMatchObject({
    executions: 1,
    success: { count: 2, ns: 13_000_000 },
    fail: { count: 0, ns: 0 },
    queue: { count: 2, ns: 4_000_000 },
    computeInput: { count: 1, ns: 2_000_000 },
    computeInfer: { count: 1, ns: 4_000_000 },
    computeOutput: { count: 1, ns: 1_000_000 },
    cacheHit: { count: 1, ns: 1_000_000 },
    cacheMiss: { count: 1 },
  });
});

test("a failed request is counted only as a failure", () => {
  const sink = createStatisticsSink();
  sink.emit({ ...EVENT, status: 400 });
  expect(sink.of("m", "1")).toMatchObject({
    executions: 0,
    lastInference: 0,
    success: { count: 0 },
    fail: { count: 1, ns: 10_000_000 },
    queue: { count: 0 },
  });
});

test("a request on any route is counted if its operation's kind is inference", () => {
  const sink = createStatisticsSink();
  sink.emit({ ...EVENT, route: "/models/:model", operation: "predict" });
  expect(sink.of("m", "1")).toMatchObject({ executions: 1, success: { count: 1 } });
});

test.each<Partial<RequestEvent>>([
  { operation: "getModel", operationKind: "metadata" },
  { operation: "loadModel", operationKind: "admin" },
  { operation: undefined, operationKind: undefined },
])("a request with %o is not counted", (other) => {
  const sink = createStatisticsSink();
  sink.emit({ ...EVENT, ...other });
  expect(sink.of("m", "1")).toMatchObject({ success: { count: 0 }, fail: { count: 0 } });
});

test("versions and models are counted separately, in any order", () => {
  const sink = createStatisticsSink();
  const requested = [
    ["m", "1"],
    ["m", "2"],
    ["m", "1"],
    ["n", "1"],
    ["n", "1"],
    ["m", "2"],
    ["m", "1"],
  ] as const;
  for (const [model, version] of requested) sink.emit({ ...EVENT, model, version });
  const counts = [sink.of("m", "1"), sink.of("m", "2"), sink.of("n", "1"), sink.of("n", "2")];
  expect(counts.map(({ success }) => success.count)).toEqual([3, 2, 2, 0]);
});

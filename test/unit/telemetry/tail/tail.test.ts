import { expect, test } from "vitest";
import type { TelemetryEvent } from "../../../../src/domain/event.ts";
import { createAggregate } from "../../../../src/domain/monitoring/aggregate.ts";
import { foldEvent, placeOf } from "../../../../src/telemetry/aggregation/fold-event.ts";
import { createTailHandler } from "../../../../src/telemetry/tail/tail.ts";
import type { TracedInvocation } from "../../../../src/telemetry/tail/trace-item.ts";
import { PREDICTION } from "../../../contracts/event-sink.ts";

const LINE = { level: "log", message: [JSON.stringify(PREDICTION)] };

function toItem(changes: Partial<TracedInvocation> = {}): TracedInvocation {
  return {
    event: null,
    eventTimestamp: 0,
    logs: [LINE],
    exceptions: [],
    outcome: "ok",
    executionModel: "stateless",
    truncated: false,
    cpuTime: 3,
    wallTime: 7,
    ...changes,
  };
}

function createTail(failing = false) {
  const collected: TelemetryEvent[] = [];
  const written: TelemetryEvent[] = [];
  const lost: TelemetryEvent[] = [];
  const losses: Record<string, number> = {};
  const sinkOf = (to: TelemetryEvent[]) => ({
    emit: (event: TelemetryEvent) => void to.push(event),
  });
  const broken = {
    emit() {
      throw new Error("broken");
    },
  };
  const handle = createTailHandler({
    collector: sinkOf(collected),
    sinks: failing ? [broken, sinkOf(written)] : [sinkOf(written)],
    lost: sinkOf(lost),
    onLost(reason, count) {
      losses[reason] = (losses[reason] ?? 0) + count;
    },
  });
  return { handle, collected, written, lost, losses };
}

test("each invocation is collected once, and never a request", () => {
  const { handle, collected, written, lost } = createTail();
  handle([toItem(), toItem({ logs: [] }), toItem({ logs: [], outcome: "exceededMemory" })]);
  expect(collected.map(({ event }) => event)).toEqual(Array(3).fill("invocation"));
  expect(written.map(({ event }) => event)).toEqual(["request", "invocation"]);
  expect(lost).toMatchObject([{ outcome: "exceededMemory", isLost: true }]);
  const aggregate = createAggregate();
  for (const event of collected) foldEvent(aggregate, event, 0);
  expect(aggregate).toMatchObject({ requests: 0, invocations: { ok: 2, exceededMemory: 1 } });
  expect(aggregate.durations.cpu).toMatchObject({ count: 3, sum: 9 });
  expect(aggregate.durations.wall).toMatchObject({ count: 3, sum: 21 });
  expect(aggregate.durations.total).toBeUndefined();
});

test("an invocation belongs to the version that its request used, or to none", () => {
  const { handle, collected } = createTail();
  handle([toItem(), toItem({ logs: [], outcome: "canceled" })]);
  expect(collected.map((event) => placeOf(event, () => true))).toMatchObject([
    { model: "iris", version: "1" },
    { model: "", version: "" },
  ]);
});

test("invocations of Durable Objects are not collected, which would call one again", () => {
  const { handle, collected, lost } = createTail();
  const durable = { executionModel: "durableObject", entrypoint: "MetricsCollector", logs: [] };
  handle([toItem(durable), toItem({ ...durable, event: { scheduledTime: new Date(0) } })]);
  expect(collected).toEqual([]);
  // The operator is told where one ended badly.
  handle([toItem({ ...durable, outcome: "exceededMemory" })]);
  expect([collected.length, lost.length]).toEqual([0, 1]);
});

test("an item that cannot be read, and a sink that fails, lose nothing else", () => {
  const { handle, collected, written, losses } = createTail(true);
  const poison = {
    get logs(): never {
      throw new Error("poison");
    },
  } as unknown as TracedInvocation;
  handle([poison, null as unknown as TracedInvocation, toItem()]);
  expect([collected.length, written.length]).toEqual([1, 1]);
  expect(losses).toEqual({ tail_failed: 3 });
});

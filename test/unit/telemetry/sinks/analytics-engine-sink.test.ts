import { describe, expect, test } from "vitest";
import type { RequestEvent } from "../../../../src/domain/event.ts";
import {
  ANALYTICS_BLOBS,
  ANALYTICS_DOUBLES,
  createAnalyticsEngineSink,
} from "../../../../src/telemetry/sinks/analytics-engine-sink.ts";
import { PREDICTION, testEventSink, UNMATCHED } from "../../../contracts/event-sink.ts";

type Point = { indexes: string[]; blobs: string[]; doubles: number[] };

function create() {
  const points: Point[] = [];
  const sink = createAnalyticsEngineSink({ writeDataPoint: (point) => void points.push(point) });
  return { sink, recorded: () => points };
}

/** The values of a row by what they are. */
function rowOf(event: RequestEvent): Record<string, string | number | undefined> {
  const { sink, recorded } = create();
  sink.emit(event);
  const [point] = recorded();
  return Object.fromEntries([
    ...ANALYTICS_BLOBS.map(({ what }, at) => [what, point?.blobs[at]] as const),
    ...ANALYTICS_DOUBLES.map(({ what }, at) => [what, point?.doubles[at]] as const),
  ]);
}

describe("the sink of Analytics Engine", () => {
  // Only requests have rows.
  testEventSink(() => {
    const { sink, recorded } = create();
    const others: string[] = [];
    return {
      sink: {
        emit(event) {
          if (event.event !== "request") others.push(event.event);
          sink.emit(event);
        },
      },
      recorded: () => [...recorded(), ...others],
    };
  });

  test("writes a row by model, with the weight of the sample", () => {
    const { sink, recorded } = create();
    sink.emit({ ...PREDICTION, sampling: { rate: 0.25, reason: "rate" }, queueMs: 1.5 });
    expect(recorded()[0]?.indexes).toEqual(["iris"]);
    expect(recorded()[0]?.doubles.slice(0, 4)).toEqual([4, 200, 12.5, 1.5]);
    expect(recorded()[0]?.blobs.slice(0, 2)).toEqual(["iris", "1"]);
  });

  test("has an empty text or 0 where nothing is known", () => {
    expect(rowOf(UNMATCHED)).toMatchObject({
      "`model`": "",
      "`errorCode`": "route_not_found",
      "`inferences`": 0,
      "`coldStart`: 1 or 0": 0,
    });
  });

  test("stays within the limits of a row, whatever the labels are", () => {
    const { sink, recorded } = create();
    sink.emit({ ...PREDICTION, principal: `key:${"x".repeat(100_000)}` });
    const [row] = recorded();
    expect(row?.blobs.length).toBeLessThanOrEqual(20);
    expect(row?.doubles.length).toBeLessThanOrEqual(20);
    expect(row?.blobs.join("").length).toBeLessThan(16_384);
  });
});

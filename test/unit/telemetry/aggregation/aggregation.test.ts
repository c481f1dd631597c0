import { describe, expect, it } from "vitest";
import type { RequestEvent } from "../../../../src/domain/event.ts";
import { createMonitoring } from "../../../../src/monitoring/reader.ts";
import { createAggregation } from "../../../../src/telemetry/aggregation/aggregation.ts";
import { requestEvent } from "../../../support/events.ts";
import { createLocalMetrics } from "../../../support/local-metrics.ts";

describe("what an isolate counts", () => {
  it("is in the totals of its model, once it has been sent and stored", async () => {
    const metrics = createLocalMetrics();
    const { now } = metrics.storage;
    const aggregation = createAggregation({
      connect: metrics.connect,
      policy: { commitMs: 2000, minutesForMs: 86_400_000, hoursForMs: 35 * 86_400_000 },
      flushMs: 5000,
      keepAlive: () => undefined,
      now,
      wait: () => new Promise(() => undefined),
    });
    for (let index = 0; index < 10; index++)
      aggregation.sink.emit(requestEvent({ model: "iris", version: "1", totalMs: index }));
    aggregation.sink.emit(
      requestEvent({ status: 404, errorCode: "model_not_found" } as Partial<RequestEvent>),
    );
    const flushed = aggregation.flush();
    await new Promise(setImmediate);
    metrics.storage.advance(2000);
    await metrics.work();
    await flushed;
    const { value, unreachable } = await createMonitoring(metrics.connect).totals();
    expect(unreachable).toEqual([]);
    expect(
      value.map(({ model, version, aggregate }) => [model, version, aggregate.requests]),
    ).toEqual([
      ["", "", 1],
      ["iris", "1", 10],
    ]);
    expect(value[1]?.aggregate).toMatchObject({
      outcomes: { 200: 10 },
      durations: { total: { count: 10, sum: 45 } },
      inference: { success: 10 },
    });
  });
});

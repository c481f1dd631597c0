import { expect, test } from "vitest";
import type { ShardMetrics } from "../../../../src/domain/monitoring/shard-metrics.ts";
import { createIsolateTotals } from "../../../../src/telemetry/aggregation/isolate-totals.ts";
import { requestEvent } from "../../../support/events.ts";

/** What is folded of an event is tested with the collector; here, what an isolate keeps of it without one. */

const totalsIn = (value: readonly ShardMetrics[]) => value.flatMap(({ totals }) => totals);

async function read(totals: ReturnType<typeof createIsolateTotals>) {
  const { value, unreachable } = await totals.metrics();
  expect(unreachable).toEqual([]);
  return totalsIn(value).map(({ model, version, aggregate }) => [
    `${model}@${version}`,
    aggregate.requests,
  ]);
}

test("requests are counted by version, and those without a model together", async () => {
  const totals = createIsolateTotals();
  const iris = { model: "iris", operationKind: "inference", operation: "infer" } as const;
  for (const version of ["1", "1", "2"]) totals.sink.emit(requestEvent({ ...iris, version }));
  totals.sink.emit(requestEvent({ model: undefined, version: undefined, status: 404 }));
  totals.sink.emit(requestEvent({ model: "unheard-of", version: undefined, status: 404 }));
  expect(await read(totals)).toEqual([
    ["@", 2],
    ["iris@1", 2],
    ["iris@2", 1],
  ]);
  totals.forget("iris", "1");
  expect(await read(totals)).toEqual([
    ["@", 2],
    ["iris@2", 1],
  ]);
});

test("what was read does not change, and names nobody", async () => {
  const totals = createIsolateTotals();
  const event = requestEvent({ model: "iris", version: "1", principal: "key:abc" });
  totals.sink.emit(event);
  const { value } = await totals.metrics();
  totals.sink.emit(event);
  const [, iris] = totalsIn(value);
  expect(iris?.aggregate.requests).toBe(1);
  expect(JSON.stringify(value)).not.toContain("key:abc");
});

test("losses, and what became of models in memory, are those of the service", async () => {
  const losses = [{ sink_own: 2 }, { sink_own: 1 }];
  const engine = [{ loads: 2, evictions: 1, crashes: 0 }, { loads: 1 }];
  const totals = createIsolateTotals({
    takeLosses: () => losses.shift() ?? {},
    takeEngine: async () => engine.shift() ?? ({} as never),
  });
  for (const expected of [
    { lost: { sink_own: 2 }, engine: { loads: 2, evictions: 1, crashes: 0 } },
    { lost: { sink_own: 3 }, engine: { loads: 3, evictions: 1, crashes: 0 } },
    { lost: { sink_own: 3 }, engine: { loads: 3, evictions: 1, crashes: 0 } },
  ])
    expect(totalsIn((await totals.metrics()).value)[0]?.aggregate).toMatchObject(expected);
});

import { setTimeout as pause } from "node:timers/promises";
import type { RequestEvent } from "../../src/domain/event.ts";
import {
  type Aggregation,
  createAggregation,
} from "../../src/telemetry/aggregation/aggregation.ts";
import { requestEvent } from "../../test/support/events.ts";
import { createLocalMetrics, type LocalMetrics } from "../../test/support/local-metrics.ts";
import type { Benchmark } from "../benchmark.ts";
import { toSpread } from "../statistics.ts";

const EVENTS = 100_000;
/** Batches that reach a shard in five seconds, each of another isolate. */
const ISOLATES = 1000;
const EVENTS_OF_ISOLATE = 50;
const POLICY = { commitMs: 2000, minutesForMs: 86_400_000, hoursForMs: 35 * 86_400_000 };

const PLAIN = {
  model: "iris-logistic",
  version: "1",
  principal: "key:0a1b2c3d4e5f",
  country: "DE",
  dataCenter: "FRA",
  phasesMs: { body: 0.02, resolve: 0.01, cache: 0.05, load: 0, parse: 0.02, infer: 0.1 },
} satisfies Partial<RequestEvent>;

const WITH_STATISTICS: Partial<RequestEvent> = {
  ...PLAIN,
  profile: "0".repeat(64),
  inputs: ["sepal_length", "sepal_width", "petal_length", "petal_width"].map((name) => ({
    name,
    kind: "numeric",
    count: 1,
    missing: 0,
    mean: 5.1,
    deviation: 0,
    min: 5.1,
    max: 5.1,
    histogram: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  })),
  outputs: {
    count: 1,
    labels: { setosa: 1 },
    confidenceByLabel: { setosa: Array.from({ length: 20 }, (_, bin) => Number(bin === 19)) },
  },
};

/** In this process, by its CPU time, with the SQLite of Node. */
export const collector: Benchmark = {
  name: "collector",
  description: "what an event costs an isolate, and what batches cost a shard of the collector",
  async run({ rounds, report }) {
    const raw: Record<string, number[]> = {};
    const note = (name: string, value: number): void => {
      raw[name] ??= [];
      raw[name].push(value);
      report(`${name}: ${value.toFixed(2)}`);
    };
    for (let round = 0; round < rounds; round++) {
      const metrics = createLocalMetrics();
      const isolate = createIsolate(metrics, "one");
      for (const [name, fields] of [
        ["an event, us", PLAIN],
        ["an event with statistics of 4 inputs and a label, us", WITH_STATISTICS],
      ] as const)
        note(name, foldAll(isolate, fields));
      note(
        `${ISOLATES} batches with ${ISOLATES * EVENTS_OF_ISOLATE} events, ms`,
        await addAll(metrics, round),
      );
    }
    const rows = Object.entries(raw).map(([name, values]) => {
      const { median, min, max } = toSpread(values);
      return [name, ...[median, min, max].map((value) => value.toFixed(2))];
    });
    const title = "CPU time of the collector";
    return { tables: [{ title, columns: ["", "median", "min", "max"], rows }], raw };
  },
};

function createIsolate({ connect, storage }: LocalMetrics, source: string): Aggregation {
  return createAggregation({
    connect,
    source,
    policy: POLICY,
    flushMs: 5000,
    keepAlive: () => undefined,
    now: storage.now,
    wait: () => new Promise(() => undefined),
  });
}

/** In microseconds an event. */
function foldAll({ sink }: Aggregation, fields: Partial<RequestEvent>): number {
  const events = Array.from({ length: 512 }, (_, index) =>
    requestEvent({ ...fields, totalMs: 1.01 ** (index % 300) }),
  );
  const before = process.cpuUsage().user;
  for (let index = 0; index < EVENTS; index++) sink.emit(events[index % 512] as RequestEvent);
  return (process.cpuUsage().user - before) / EVENTS;
}

/** In milliseconds, with what it costs to send them. */
async function addAll(metrics: LocalMetrics, round: number): Promise<number> {
  const isolates = Array.from({ length: ISOLATES }, (_, index) =>
    createIsolate(metrics, `round ${round}, isolate ${index}`),
  );
  const event = requestEvent(WITH_STATISTICS);
  for (const { sink } of isolates)
    for (let count = 0; count < EVENTS_OF_ISOLATE; count++) sink.emit(event);
  const before = process.cpuUsage().user;
  const flushed = Promise.all(isolates.map((isolate) => isolate.flush()));
  await pause(1000);
  metrics.storage.advance(POLICY.commitMs);
  await metrics.work();
  await flushed;
  return (process.cpuUsage().user - before) / 1000;
}

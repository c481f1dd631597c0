import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createAggregate } from "../../../src/domain/monitoring/aggregate.ts";
import type { Batch } from "../../../src/domain/monitoring/collector.ts";
import { describeMetricsCollector } from "../../contracts/metrics-collector.ts";
import { requestEvent } from "../../support/events.ts";
import { createLocalMetrics } from "../../support/local-metrics.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describeMetricsCollector(async () => {
  const metrics = createLocalMetrics();
  return {
    collector: metrics.connect("model:iris"),
    now: metrics.storage.now,
    async settle() {
      // Longer than hashes of owners take.
      await pause(20);
      metrics.storage.advance(20);
      await metrics.work();
    },
  };
});

function collecting() {
  const metrics = createLocalMetrics();
  let number = 0;

  function batch(fields: Partial<Batch> = {}, requests = 1): Batch {
    const start = Math.floor(metrics.storage.now() / MINUTE_MS) * MINUTE_MS;
    const aggregate = { ...createAggregate(), requests };
    return {
      source: "isolate",
      number: ++number,
      windows: [{ model: "iris", version: "1", start, aggregate }],
      events: [],
      missed: 0,
      models: [],
      policy: { commitMs: 2000, minutesForMs: DAY_MS, hoursForMs: 35 * DAY_MS },
      ...fields,
    };
  }

  async function store(given: Batch): Promise<void> {
    const added = metrics.connect("model:iris").add(given);
    await new Promise(setImmediate);
    metrics.storage.advance(2000);
    await metrics.work();
    await added;
  }

  const windows = async (from: number, stepSeconds: number) =>
    (
      await metrics
        .connect("model:iris")
        .windows({ from, to: metrics.storage.now() + 1, stepSeconds })
    ).map(({ start, aggregate }) => [start, aggregate.requests]);

  const requests = async () =>
    (await metrics.connect("model:iris").totals()).map(({ aggregate }) => aggregate.requests);

  return { metrics, batch, store, windows, requests };
}

describe("an object", () => {
  it("stores what comes within two seconds by few rows, and answers then", async () => {
    const { metrics, batch, requests } = collecting();
    const collector = metrics.connect("model:iris");
    const { sql } = metrics.storageOf("model:iris");
    const first = collector.add(batch());
    await new Promise(setImmediate);
    const before = Number([...sql.exec("SELECT total_changes() AS n")][0]?.n);
    let answered = 0;
    const others = Array.from({ length: 50 }, (_, index) =>
      collector.add(batch({ source: `isolate ${index}`, number: 1 })).then(() => answered++),
    );
    await new Promise(setImmediate);
    metrics.storage.advance(1999);
    await metrics.work();
    expect(await requests()).toEqual([]);
    expect(answered).toBe(0);
    metrics.storage.advance(1);
    await metrics.work();
    await Promise.all([first, ...others]);
    expect(await requests()).toEqual([51]);
    // A minute, an hour, the totals, and the senders.
    const after = Number([...sql.exec("SELECT total_changes() AS n")][0]?.n);
    expect(after - before).toBe(4);
  });

  it("that ends has stored nothing that it has not answered, and all that it has", async () => {
    const { metrics, batch, store, requests } = collecting();
    await store(batch());
    const waiting = batch({}, 5);
    const lost = metrics.connect("model:iris").add(waiting);
    await new Promise(setImmediate);
    metrics.restart();
    await expect(lost).rejects.toMatchObject({ code: "monitoring_unavailable" });
    expect(await requests()).toEqual([1]);
    await store(waiting);
    metrics.restart();
    await metrics.connect("model:iris").add(waiting);
    expect(await requests()).toEqual([6]);
  });

  it("tells senders when it cannot store, has none of it, and takes it when it comes again", async () => {
    const { metrics, batch, store, requests } = collecting();
    await store(batch());
    const { sql } = metrics.storageOf("model:iris");
    sql.exec("ALTER TABLE totals RENAME TO elsewhere");
    const refused = batch({}, 5);
    await expect(store(refused)).rejects.toMatchObject({ code: "monitoring_unavailable" });
    sql.exec("ALTER TABLE elsewhere RENAME TO totals");
    expect(await requests()).toEqual([1]);
    await store(refused);
    expect(await requests()).toEqual([6]);
  });

  it("keeps minutes and hours for their times, and totals for good", async () => {
    const { metrics, batch, store, windows, requests } = collecting();
    const begun = metrics.storage.now();
    await store(batch());
    metrics.storage.advance(DAY_MS);
    await store(batch());
    metrics.storage.advance(HOUR_MS);
    await metrics.work();
    const minutes = [...metrics.storageOf("model:iris").sql.exec("SELECT start FROM minutes")];
    expect(minutes).toHaveLength(1);
    expect(await windows(begun, 3600)).toHaveLength(2);
    const minute = Math.floor((begun + DAY_MS) / MINUTE_MS) * MINUTE_MS;
    // The whole time of minutes, of which the first begins in the middle.
    expect(await windows(metrics.storage.now() - DAY_MS, 60)).toEqual([[minute, 1]]);
    // Minutes reach back no further: steps of minutes are answered by hours.
    expect(await windows(begun, 60)).toHaveLength(2);
    expect(
      (await windows(begun - 2 * HOUR_MS, 5400)).map(([start]) => Number(start) % (2 * HOUR_MS)),
    ).toEqual([0, 0]);
    metrics.storage.advance(36 * DAY_MS);
    await metrics.work();
    expect(await windows(begun, 3600)).toEqual([]);
    expect(await requests()).toEqual([2]);
    expect(metrics.object("model:iris").dueAt()).toBeUndefined();
  });

  it("removes what is too old also when it starts again all the time, and nobody sends anything", async () => {
    const { metrics, batch, store, requests } = collecting();
    const { sql } = metrics.storageOf("model:iris");
    await store(batch());
    await metrics.connect("model:iris").erase({ kind: "subject", value: "a".repeat(32) });
    await metrics.connect("model:iris").forget("2");
    const left = () =>
      ["minutes", "hours", "erasures", "forgotten"].map(
        (table) => [...sql.exec(`SELECT * FROM ${table}`)].length,
      );
    const times: number[] = [];
    for (let hours = 0; hours < 36 * 24; hours++) {
      metrics.restart();
      await requests();
      const dueAt = metrics.object("model:iris").dueAt();
      metrics.storage.advance(HOUR_MS);
      if (dueAt !== undefined && dueAt <= metrics.storage.now()) times.push(hours);
      await metrics.work();
      if (hours === 0) expect(left()).toEqual([1, 1, 0, 1]);
    }
    expect(left()).toEqual([0, 0, 0, 0]);
    expect(times).toHaveLength(3);
    expect(metrics.object("model:iris").dueAt()).toBeUndefined();
  });

  it("has the last 512 events, and says how many a reader has missed", async () => {
    const { metrics, batch, store } = collecting();
    const collector = metrics.connect("model:iris");
    await store(batch({ events: [requestEvent()] }));
    const { cursor } = await collector.events();
    for (let sent = 0; sent < 3; sent++)
      await store(batch({ events: Array.from({ length: 200 }, () => requestEvent()), missed: 1 }));
    const { events, missed } = await collector.events(cursor);
    expect(events).toHaveLength(512);
    expect(missed).toBe(600 - 512 + 3);
  });
});

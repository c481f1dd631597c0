import { expect, test } from "vitest";
import type { DataSelector } from "../../../src/domain/data-selector.ts";
import { SERVICE_SHARD, shardOf } from "../../../src/domain/monitoring/collector.ts";
import { createCollectedData } from "../../../src/privacy/stores/collected.ts";
import { WorkBudget } from "../../../src/privacy/work-budget.ts";
import { uuidV7 } from "../../../src/shared/uuid-v7.ts";
import { createLocalMetrics } from "../../support/local-metrics.ts";
import { poll } from "../../support/poll.ts";

const POLICY = { commitMs: 0, minutesForMs: 3_600_000, hoursForMs: 3_600_000 };

test("predictions and truths of all models are exported in pages, and erased", async () => {
  const metrics = createLocalMetrics();
  const { connect, storage } = metrics;
  const ids: string[] = [];

  async function send(shard: string, models: readonly string[], count: number): Promise<void> {
    const predictions = Array.from({ length: count }, (_, index) => {
      const requestId = uuidV7(storage.now());
      ids.push(requestId);
      const principal = index % 2 ? "key:Kq3v0XyWm2Bt" : "key:ffffffffffff";
      return { requestId, time: storage.now(), count: 1, rows: [index], principal };
    });
    const sent = connect(shard).add({
      source: "a",
      number: 1,
      windows: [],
      events: [],
      missed: 0,
      models,
      policy: POLICY,
      predictions: { versions: [{ version: "1", retentionDays: 1, predictions }], canaries: [] },
    });
    await poll("a batch that waits to be stored", async () => metrics.object(shard).dueAt());
    await metrics.work();
    await sent;
  }

  await send(SERVICE_SHARD, ["a", "b"], 0);
  await send(shardOf("a"), [], 100);
  await send(shardOf("b"), [], 60);
  const data = createCollectedData(connect, () => storage.now());
  const selector: DataSelector = { kind: "key", value: "Kq3v0XyWm2Bt" };

  async function exported(): Promise<unknown[]> {
    const items: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await data.export(selector, { cursor, budget: new WorkBudget(1000, 1e9) });
      items.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return items;
  }

  expect(await exported()).toHaveLength(80);
  let erased = 0;
  let cursor: string | undefined;
  do {
    const page = await data.erase(selector, { cursor, budget: new WorkBudget(1000, 1e9) });
    erased += page.erased;
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(erased).toBe(80);
  expect(await exported()).toEqual([]);
  const giver = { id: "", isAdmin: true };
  const found = await connect(shardOf("a")).findPredictions({ requestIds: ids.slice(0, 2), giver });
  expect(found).toEqual([{ version: "1", count: 1, rows: [0] }, { problem: "recent" }]);
});

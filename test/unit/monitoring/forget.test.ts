import { describe, expect, it } from "vitest";
import { createAggregate } from "../../../src/domain/monitoring/aggregate.ts";
import { type Batch, SERVICE_SHARD, shardOf } from "../../../src/domain/monitoring/collector.ts";
import { createCollectedVersions } from "../../../src/monitoring/forget.ts";
import { createMonitoring } from "../../../src/monitoring/reader.ts";
import { createLocalMetrics } from "../../support/local-metrics.ts";

function collecting() {
  const metrics = createLocalMetrics();
  const published: Record<string, string[]> = { iris: ["1", "2"], wine: ["1"] };
  const collected = createCollectedVersions(
    metrics.connect,
    async (model) => published[model] ?? [],
  );
  let number = 0;

  /** One request to each version, stored. */
  async function count(model: string, versions: readonly string[]): Promise<void> {
    const start = Math.floor(metrics.storage.now() / 60_000) * 60_000;
    const batch: Batch = {
      source: "a",
      number: ++number,
      windows: versions.map((version) => ({
        model,
        version,
        start,
        aggregate: { ...createAggregate(), requests: 1 },
      })),
      events: [],
      missed: 0,
      models: [],
      policy: { commitMs: 0, minutesForMs: 86_400_000, hoursForMs: 86_400_000 },
    };
    const added = [
      metrics.connect(shardOf(model)).add(batch),
      metrics.connect(SERVICE_SHARD).add({ ...batch, windows: [], models: [model] }),
    ];
    await new Promise(setImmediate);
    await metrics.work();
    await Promise.all(added);
  }

  async function read(): Promise<Record<string, number>> {
    const { value } = await createMonitoring(metrics.connect).totals();
    return Object.fromEntries(
      value.map(({ model, version, aggregate }) => [`${model}@${version}`, aggregate.requests]),
    );
  }

  return { metrics, published, collected, count, read };
}

describe("what was collected of a version that is deleted", () => {
  it("is gone, and that of others is not", async () => {
    const { collected, count, read } = collecting();
    await count("iris", ["1", "2"]);
    await collected.forget({ name: "iris", version: "1" });
    expect(await read()).toEqual({ "iris@2": 1 });
  });

  it("is not added any more when it comes late, and begins anew for what is published later", async () => {
    const { metrics, collected, count, read } = collecting();
    await count("iris", ["1", "2"]);
    await collected.forget({ name: "iris", version: "1" });
    await count("iris", ["1", "2"]);
    expect(await read()).toEqual({ "iris@2": 2 });
    metrics.storage.advance(60_000);
    await count("iris", ["1"]);
    expect(await read()).toEqual({ "iris@1": 1, "iris@2": 2 });
  });

  it("takes its model off the list, when it was the last one", async () => {
    const { metrics, collected, count, read } = collecting();
    await count("iris", ["1"]);
    await count("wine", ["1"]);
    await collected.forget({ name: "wine", version: "1" });
    expect(await read()).toEqual({ "iris@1": 1 });
    expect(await metrics.connect(shardOf("wine")).totals()).toEqual([]);
    await count("wine", ["1"]);
    expect(await metrics.connect(SERVICE_SHARD).models()).toMatchObject([{ model: "iris" }]);
    metrics.storage.advance(60_000);
    await count("wine", ["1"]);
    expect(await read()).toEqual({ "iris@1": 1, "wine@1": 1 });
  });

  it("is removed by the daily run, where the collector was out of reach", async () => {
    const { published, collected, count, read } = collecting();
    await count("iris", ["", "1", "2"]);
    await count("wine", ["1"]);
    published.iris = ["2"];
    delete published.wine;
    expect(await collected.sweep()).toBe(2);
    expect(await read()).toEqual({ "iris@": 1, "iris@2": 1 });
    expect(await collected.sweep()).toBe(0);
  });
});
